// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.kvm.Kvm;
import io.jkvm.core.kvm.KvmException;
import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.KvmVm;
import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.Mapping;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.core.vm.VirtualMachine;
import io.jkvm.devices.legacy.AcpiPm;
import io.jkvm.devices.legacy.ExitStatusPort;
import io.jkvm.devices.serial.SerialSink;
import io.jkvm.devices.serial.Uart16550;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.net.VirtioNet;
import io.jkvm.devices.virtio.rng.VirtioRng;
import io.jkvm.firmware.boot.BootConfig;
import io.jkvm.firmware.boot.BootMode;
import io.jkvm.firmware.boot.BootNote;
import io.jkvm.firmware.boot.BootPlan;
import io.jkvm.firmware.cpu.BootState;
import io.jkvm.firmware.cpu.CpuTopology;
import io.jkvm.firmware.cpu.CpuidPolicy;
import io.jkvm.firmware.cpu.ResetVector;
import io.jkvm.firmware.cpu.VcpuEntry;
import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.layout.X86Layout;
import io.jkvm.machine.agent.channel.AgentLink;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Note;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.CpuFeatureChange;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.VirtioTransport;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Builds a machine from its specification: {@link #assemble} reads like its parts list. */
public final class MachineAssembler {
  private final MachineSpec spec;
  private final Host host;
  private final AssemblyEvents events;
  private final StopLatch stop;
  private final SerialSink console;
  private final CloseStack resources;

  /**
   * An assembler for one machine.
   *
   * @param stop where devices and vCPUs ask for the machine's end
   * @param console takes the serial port's output
   */
  public MachineAssembler(
      MachineSpec spec, Host host, AssemblyEvents events, StopLatch stop, SerialSink console) {
    this.spec = spec;
    this.host = host;
    this.events = events;
    this.stop = stop;
    this.console = console;
    resources = new CloseStack(spec.name());
  }

  /**
   * Opens everything and loads the guest.
   *
   * @throws MachineException one line saying what is wrong; nothing is left open
   */
  public AssembledMachine assemble() {
    try {
      return build();
    } catch (Throwable e) { // a device may throw what it does not declare
      resources.close();
      resources.failures().forEach(e::addSuppressed);
      throw Problems.translate(e);
    }
  }

  private AssembledMachine build() throws IOException {
    boolean knownHost = host.known();
    BootPlan kernel =
        BootPlan.open(spec.kernel(), BootMode.valueOf(spec.bootWay().name()), spec.name());
    for (BootNote note : kernel.notes()) {
      events.note(new Note(Note.Kind.OTHER_BOOT_WAY, note.toString()));
    }
    DiskAssembler diskAssembler =
        new DiskAssembler(spec.name(), spec.cpus(), host, events::progress, resources);
    List<VirtioBlock> disks = diskAssembler.open(spec.disks());
    NetworkAssembler network = new NetworkAssembler(spec.name(), resources);
    List<VirtioNet> cards = network.open(spec.cards());
    List<VirtioDevice> shares =
        new ShareAssembler(host, resources, spec.cpus()).open(spec.shares());
    events.progress("kernel, disks, networks and shares are open");

    Kvm kvm = resources.push(Layer.HOST, openKvm());
    checkCpus(kvm);
    Cpuid supported = kvm.supportedCpuid();
    HostCapabilities capabilities = probe(kvm, supported);
    GuestMemory memory = resources.push(Layer.MEMORY, allocateMemory());
    KvmVm vm = resources.push(Layer.VM, kvm.createVm());
    vm.setTssAddress((int) X86Layout.KVM_TSS);
    vm.setIdentityMapAddress(X86Layout.KVM_IDENTITY_MAP);
    // Memory before the interrupt controllers: a later slot waits for a grace period of the host.
    int slot = 0;
    for (var region : memory.regions()) {
      vm.setUserMemoryRegion(slot++, region.guestPhysicalAddress(), region.mapping());
    }
    vm.createIrqchip();
    vm.createPit2();
    events.progress("VM with " + ByteSize.format(spec.memoryBytes()) + " exists");

    Mainboard board = new Mainboard(spec.name(), vm, memory, stop, resources);
    Uart16550 serial = board.addSerialPort(console);
    AcpiPm powerManagement = board.addPowerManagement();
    ExitStatusPort exitStatus = board.addExitStatus();
    board.addLegacyDevices(spec.memoryBytes());
    spec.portDevices().forEach(board::addPortDevice);
    List<VirtioDevice> virtio = new ArrayList<>(disks);
    virtio.addAll(cards);
    virtio.addAll(shares);
    if (spec.entropySource()) {
      virtio.add(new VirtioRng());
    }
    Optional<AgentLink> agent = spec.agent().map(AgentLink::over);
    agent.ifPresent(link -> virtio.add(link.device()));
    for (Supplier<VirtioDevice> factory : spec.virtioDevices()) {
      virtio.add(ownDevice(board, factory));
    }
    boolean overPci = spec.transport() == VirtioTransport.PCI;
    // The bus is there without devices too: Linux complains of a machine that has none.
    try {
      board.addPci(overPci ? virtio : List.of());
      if (!overPci) {
        for (VirtioDevice device : virtio) {
          board.addVirtioMmio(device);
        }
      }
    } catch (MachineException e) {
      throw e;
    } catch (RuntimeException e) { // a device or backend of the user's own
      throw new MachineException(Problem.DEVICE, "a virtio device can't be connected: " + e, e);
    }

    String commandLine = KernelCommandLine.of(spec, capabilities, board.announcements());
    events.progress("command line: " + commandLine);
    BootState boot =
        kernel.load(
            new BootConfig(
                memory,
                E820Map.of(memory),
                commandLine,
                spec.initrds(),
                spec.cpus(),
                board.pciDevices(),
                Optional.of(board.acpi(spec.cpus()))));
    if (boot instanceof ResetVector reset) {
      Mapping rom = resources.push(Layer.MEMORY, Mapping.anonymous(reset.rom().length));
      rom.buffer(0, rom.length()).put(reset.rom());
      vm.setReadOnlyMemoryRegion(slot, X86Layout.BIOS_ROM, rom);
    }
    events.progress("kernel is loaded");

    List<KvmVcpu> vcpus = createVcpus(kvm, vm, supported, capabilities);
    VcpuEntry.enter(vcpus.get(0), boot);
    network.start();
    VirtualMachine machine =
        new VirtualMachine(
            spec.name(), memory, vcpus, board.ports(), board.mmio(), stop, resources);
    if (!knownHost) {
      noteLimits(capabilities);
    }
    return new AssembledMachine(
        machine,
        serial,
        powerManagement,
        exitStatus,
        disks,
        cards,
        agent.map(AgentLink::agent),
        board.pausables(),
        resources);
  }

  private static VirtioDevice ownDevice(Mainboard board, Supplier<VirtioDevice> factory) {
    try {
      return board.own(factory.get());
    } catch (RuntimeException e) {
      throw new MachineException(Problem.DEVICE, "a virtio device can't be made: " + e, e);
    }
  }

  private Kvm openKvm() throws IOException {
    String device = spec.kvmDevice().toString();
    try {
      return Kvm.open(device);
    } catch (KvmException e) {
      throw Problems.kvm(device, e);
    }
  }

  private HostCapabilities probe(Kvm kvm, Cpuid supported) {
    HostCapabilities found;
    try {
      found = host.capabilities(kvm, supported);
    } catch (LinuxException e) {
      events.note(
          new Note(
              Note.Kind.PROBE_FAILED,
              "what this host's KVM can run could not be found out, so it is taken for an ordinary"
                  + " one: "
                  + e.getMessage()));
      return HostCapabilities.COMPLETE;
    }
    events.progress("this host's KVM is probed");
    return found;
  }

  /** Once the machine can be made: before, an error is all that counts. */
  private void noteLimits(HostCapabilities found) {
    if (found.interpretsRingZero()) {
      events.note(
          new Note(
              Note.Kind.INTERPRETED_KERNEL,
              "this host's KVM has no VT-x or AMD-V behind it, so it interprets the guest's"
                  + " kernel"));
    }
    if (!found.syscallWorks()) {
      events.note(new Note(Note.Kind.SYSCALL_BROKEN, "SYSCALL does not work on this host's KVM"));
    }
  }

  private List<KvmVcpu> createVcpus(
      Kvm kvm, KvmVm vm, Cpuid supported, HostCapabilities capabilities) throws IOException {
    CpuidPolicy policy =
        CpuidPolicy.of(
                capabilities, spec.cpuFeatures().stream().map(CpuFeatureChange::toString).toList())
            .withBrand(host.processorName());
    List<String> unsupported = policy.unsupported(supported);
    if (!unsupported.isEmpty()) {
      events.note(
          new Note(
              Note.Kind.UNSUPPORTED_FEATURE,
              "this host's KVM does not have " + String.join(", ", unsupported)));
    }
    if (!policy.wantsCounters() && kvm.canDisablePmu()) {
      vm.disablePmu();
    }
    CpuTopology topology = new CpuTopology(spec.cpus());
    List<KvmVcpu> vcpus = new ArrayList<>();
    for (int id = 0; id < spec.cpus(); id++) {
      KvmVcpu vcpu = resources.push(Layer.VCPUS, vm.createVcpu(id));
      vcpu.setCpuid(policy.apply(supported, topology, id));
      VcpuEntry.prepare(vcpu, id == 0);
      vcpus.add(vcpu);
    }
    return vcpus;
  }

  private void checkCpus(Kvm kvm) throws IOException {
    int limit = kvm.maxVcpus();
    if (spec.cpus() > limit) {
      throw new MachineException(
          Problem.MORE_CPUS_THAN_KVM,
          spec.cpus() + " vCPUs are more than this host's KVM allows, which is " + limit);
    }
  }

  private GuestMemory allocateMemory() throws IOException {
    long limit = host.memoryBytes();
    if (spec.memoryBytes() > limit) {
      throw new MachineException(
          Problem.MORE_MEMORY_THAN_HOST,
          ByteSize.format(spec.memoryBytes())
              + " of memory is more than this host's "
              + ByteSize.format(limit));
    }
    return GuestMemory.allocate(spec.memoryBytes());
  }
}
