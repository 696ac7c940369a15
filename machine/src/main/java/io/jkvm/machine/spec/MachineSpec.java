// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.machine.report.MachineException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * A machine as it is to be, complete and consistent; files are not open yet. Made by {@link #boot}.
 * One specification can be the model of many machines, as long as they don't share a disk that one
 * of them writes.
 *
 * @param name for threads, messages and logs: 1 to 64 letters, digits and {@code . _ -}
 * @param kernel a bzImage or an ELF vmlinux
 * @param initrds files that make up the initial RAM disk, in this order; empty for none
 * @param disks virtio disks, in the order of vda, vdb and so on
 * @param cards virtio network cards, in the order of eth0, eth1 and so on
 * @param shares directories that the guest can mount
 * @param memoryBytes size of RAM, 64 MiB or more, a multiple of 4096
 * @param cpus number of vCPUs, 1 to 255
 * @param bootWay how the kernel is entered
 * @param transport what carries the virtio devices
 * @param entropySource whether there is a virtio-rng
 * @param commandLine what is added to the default kernel command line
 * @param commandLineOnly replaces the defaults where present; virtio-mmio devices are still
 *     announced
 * @param cpuFeatures changes to what CPUID shows, later ones win
 * @param kvmDevice {@code /dev/kvm} as a rule
 * @param agent what carries the bytes of the program that runs commands in the guest, if there is a
 *     channel for it
 * @param portDevices devices of the user's own on I/O ports
 * @param virtioDevices virtio devices of the user's own, on the transport after all others
 */
public record MachineSpec(
    String name,
    Path kernel,
    List<Path> initrds,
    List<DiskSpec> disks,
    List<CardSpec> cards,
    List<ShareSpec> shares,
    long memoryBytes,
    int cpus,
    BootWay bootWay,
    VirtioTransport transport,
    boolean entropySource,
    String commandLine,
    Optional<String> commandLineOnly,
    List<CpuFeatureChange> cpuFeatures,
    Path kvmDevice,
    Optional<AgentTransport> agent,
    List<PortDevice> portDevices,
    List<Supplier<VirtioDevice>> virtioDevices) {

  /** The least memory that Linux is given. */
  public static final long MIN_MEMORY_BYTES = 64L << 20;

  /** Local APIC ids have 8 bits, and 255 means all. */
  public static final int MAX_CPUS = 255;

  /**
   * Checks what does not need the host.
   *
   * @throws MachineException naming the first thing that can't be
   */
  public MachineSpec {
    SpecChecks.whole(name, "the name of the machine");
    SpecChecks.whole(kernel, "the kernel");
    initrds = SpecChecks.wholeList(initrds, "an initrd");
    disks = SpecChecks.wholeList(disks, "a disk");
    cards = SpecChecks.wholeList(cards, "a network card");
    shares = SpecChecks.wholeList(shares, "a share");
    SpecChecks.whole(bootWay, "the way to boot");
    SpecChecks.whole(transport, "the virtio transport");
    SpecChecks.whole(commandLine, "the command line");
    SpecChecks.whole(commandLineOnly, "the only command line");
    cpuFeatures = SpecChecks.wholeList(cpuFeatures, "a processor feature");
    SpecChecks.whole(kvmDevice, "the KVM device");
    SpecChecks.whole(agent, "what carries the agent's bytes");
    portDevices = SpecChecks.wholeList(portDevices, "a device on I/O ports");
    virtioDevices = SpecChecks.wholeList(virtioDevices, "what makes a virtio device");
    SpecChecks.name(name);
    SpecChecks.memory(memoryBytes);
    SpecChecks.cpus(cpus);
    SpecChecks.commandLine(commandLine + commandLineOnly.orElse(""));
    SpecChecks.cpuFeatures(cpuFeatures);
    SpecChecks.disks(disks);
    SpecChecks.cards(cards);
    SpecChecks.shares(shares);
    PortChecks.devices(portDevices);
    int devices =
        disks.size()
            + cards.size()
            + shares.size()
            + (entropySource ? 1 : 0)
            + (agent.isPresent() ? 1 : 0)
            + virtioDevices.size();
    if (transport == VirtioTransport.PCI) {
      SpecChecks.pciDevices(devices);
    } else {
      SpecChecks.mmioDevices(devices);
    }
  }

  /** Begins the specification of a machine that boots a kernel: 256 MiB, one vCPU, no disk. */
  public static MachineSpecBuilder boot(Path kernel) {
    return new MachineSpecBuilder(kernel);
  }

  /** The same with another kernel. */
  public MachineSpec withKernel(Path other) {
    return new MachineSpecBuilder(this, other).build();
  }

  /**
   * The same, whose kernel, initrds, disks' images and captures are opened by other paths.
   *
   * @param opened by which path one is opened that has a name
   */
  public MachineSpec openedBy(UnaryOperator<Path> opened) {
    return new MachineSpecBuilder(this, opened.apply(kernel)).openedBy(opened).build();
  }

  /** A builder that begins with this specification. */
  public MachineSpecBuilder toBuilder() {
    return new MachineSpecBuilder(this, kernel);
  }
}
