// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.machine.report.MachineException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Collects the parts of a {@link MachineSpec}. What is only kept is checked in {@link #build}; what
 * is put together or taken apart here must be whole at once.
 */
public final class MachineSpecBuilder {
  private static final long DEFAULT_MEMORY_BYTES = 256L << 20;

  private final Path kernel;
  private final List<Path> initrds = new ArrayList<>();
  private final List<DiskSpec> disks = new ArrayList<>();
  private final List<CardSpec> cards = new ArrayList<>();
  private final List<ShareSpec> shares = new ArrayList<>();
  private final List<CpuFeatureChange> cpuFeatures = new ArrayList<>();
  private final List<PortDevice> portDevices = new ArrayList<>();
  private final List<Supplier<VirtioDevice>> virtioDevices = new ArrayList<>();
  private String name = "jkvm";
  private long memoryBytes = DEFAULT_MEMORY_BYTES;
  private int cpus = 1;
  private BootWay bootWay = BootWay.DIRECT;
  private VirtioTransport transport = VirtioTransport.PCI;
  private boolean entropySource;
  private String commandLine = "";
  private Optional<String> commandLineOnly = Optional.empty();
  private Path kvmDevice = Path.of("/dev/kvm");
  private Optional<AgentTransport> agent = Optional.empty();

  MachineSpecBuilder(Path kernel) {
    this.kernel = kernel;
  }

  MachineSpecBuilder(MachineSpec spec, Path kernel) {
    this(kernel);
    initrds.addAll(spec.initrds());
    disks.addAll(spec.disks());
    cards.addAll(spec.cards());
    shares.addAll(spec.shares());
    cpuFeatures.addAll(spec.cpuFeatures());
    portDevices.addAll(spec.portDevices());
    virtioDevices.addAll(spec.virtioDevices());
    name = spec.name();
    memoryBytes = spec.memoryBytes();
    cpus = spec.cpus();
    bootWay = spec.bootWay();
    transport = spec.transport();
    entropySource = spec.entropySource();
    commandLine = spec.commandLine();
    commandLineOnly = spec.commandLineOnly();
    kvmDevice = spec.kvmDevice();
    agent = spec.agent();
  }

  /** See {@link MachineSpec#openedBy}; the kernel is there already. */
  MachineSpecBuilder openedBy(UnaryOperator<Path> opened) {
    initrds.replaceAll(opened);
    disks.replaceAll(disk -> disk.openedBy(opened));
    cards.replaceAll(card -> card.openedBy(opened));
    return this;
  }

  /** The machine's name, in the names of its threads and in its log lines; "jkvm" if not given. */
  public MachineSpecBuilder name(String newName) {
    name = newName;
    return this;
  }

  /** Adds an archive to the initial RAM disk. */
  public MachineSpecBuilder initrd(Path archive) {
    initrds.add(archive);
    return this;
  }

  /** Adds an archive ahead of those that are there, which may replace files of it. */
  public MachineSpecBuilder firstInitrd(Path archive) {
    initrds.add(0, archive);
    return this;
  }

  /** Adds a disk. */
  public MachineSpecBuilder disk(DiskSpec disk) {
    disks.add(disk);
    return this;
  }

  /** Adds a disk ahead of those that are there. */
  public MachineSpecBuilder firstDisk(DiskSpec disk) {
    disks.add(0, disk);
    return this;
  }

  /** Adds a network card. */
  public MachineSpecBuilder card(CardSpec card) {
    cards.add(card);
    return this;
  }

  /** Adds a network card with a random address. */
  public MachineSpecBuilder card(NetworkSpec network) {
    return card(CardSpec.on(network));
  }

  /** Adds a directory that the guest can mount. */
  public MachineSpecBuilder share(ShareSpec share) {
    shares.add(share);
    return this;
  }

  /** The size of RAM in bytes. */
  public MachineSpecBuilder memoryBytes(long bytes) {
    memoryBytes = bytes;
    return this;
  }

  /** The size of RAM in MiB. */
  public MachineSpecBuilder memoryMiB(int mebibytes) {
    return memoryBytes((long) mebibytes << 20);
  }

  /** The number of vCPUs. */
  public MachineSpecBuilder cpus(int count) {
    cpus = count;
    return this;
  }

  /** How the kernel is entered. */
  public MachineSpecBuilder bootWay(BootWay way) {
    bootWay = way;
    return this;
  }

  /** What carries the virtio devices. */
  public MachineSpecBuilder transport(VirtioTransport newTransport) {
    transport = newTransport;
    return this;
  }

  /** Whether there is a virtio-rng. */
  public MachineSpecBuilder entropySource(boolean wanted) {
    entropySource = wanted;
    return this;
  }

  /** Adds to the default kernel command line; may be called several times. */
  public MachineSpecBuilder commandLine(String parameters) {
    String more = SpecChecks.whole(parameters, "the command line");
    commandLine = commandLine.isEmpty() ? more : commandLine + " " + more;
    return this;
  }

  /** Replaces the default kernel command line. */
  public MachineSpecBuilder commandLineOnly(String parameters) {
    commandLineOnly = Optional.of(SpecChecks.whole(parameters, "the only command line"));
    return this;
  }

  /** Changes what CPUID shows. */
  public MachineSpecBuilder cpuFeatures(Collection<CpuFeatureChange> changes) {
    cpuFeatures.addAll(SpecChecks.whole(changes, "the list of processor features"));
    return this;
  }

  /** Another KVM device than {@code /dev/kvm}. */
  public MachineSpecBuilder kvmDevice(Path device) {
    kvmDevice = device;
    return this;
  }

  /**
   * Whether there is a channel for jkvm's agent, which runs commands in the guest; the guest has to
   * have it, as its init or started by that. The channel is a {@link AgentTransport#CONSOLE_PORT}.
   */
  public MachineSpecBuilder agent(boolean wanted) {
    agent = wanted ? Optional.of(AgentTransport.CONSOLE_PORT) : Optional.empty();
    return this;
  }

  /** The same, over a channel of one's choice. */
  public MachineSpecBuilder agent(AgentTransport transport) {
    agent = Optional.of(transport);
    return this;
  }

  /** Adds a device of one's own on I/O ports. */
  public MachineSpecBuilder portDevice(
      int firstPort, int portCount, String deviceName, PortDevice.Factory factory) {
    portDevices.add(new PortDevice(firstPort, portCount, deviceName, factory));
    return this;
  }

  /** Adds a virtio device of one's own; a new one is made for each machine. */
  public MachineSpecBuilder virtioDevice(Supplier<VirtioDevice> factory) {
    virtioDevices.add(factory);
    return this;
  }

  /**
   * The specification.
   *
   * @throws MachineException naming the first thing that can't be
   */
  public MachineSpec build() {
    return new MachineSpec(
        name,
        kernel,
        initrds,
        disks,
        cards,
        shares,
        memoryBytes,
        cpus,
        bootWay,
        transport,
        entropySource,
        commandLine,
        commandLineOnly,
        cpuFeatures,
        kvmDevice,
        agent,
        portDevices,
        virtioDevices);
  }
}
