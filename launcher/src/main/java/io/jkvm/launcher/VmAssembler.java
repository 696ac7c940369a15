// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.bus.AddressRange;
import io.jkvm.core.bus.IoBus;
import io.jkvm.core.irq.IrqLine;
import io.jkvm.core.irq.SharedIrqLine;
import io.jkvm.core.kvm.Kvm;
import io.jkvm.core.kvm.KvmMsiRouter;
import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.KvmVm;
import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.Mapping;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.core.probe.HostProbe;
import io.jkvm.core.vm.VirtualMachine;
import io.jkvm.devices.clock.CmosRtc;
import io.jkvm.devices.legacy.AcpiPm;
import io.jkvm.devices.legacy.I8042;
import io.jkvm.devices.legacy.PostCode;
import io.jkvm.devices.legacy.ResetRegister;
import io.jkvm.devices.legacy.SystemControlPortA;
import io.jkvm.devices.pci.PciBus;
import io.jkvm.devices.pci.PciConfigPorts;
import io.jkvm.devices.pci.PciHostBridge;
import io.jkvm.devices.pci.PciMemoryWindow;
import io.jkvm.devices.serial.SerialSink;
import io.jkvm.devices.serial.Uart16550;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.net.VirtioNet;
import io.jkvm.devices.virtio.rng.VirtioRng;
import io.jkvm.devices.virtio.transport.VirtioHost;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;
import io.jkvm.devices.virtio.transport.pci.VirtioPci;
import io.jkvm.firmware.boot.BootConfig;
import io.jkvm.firmware.boot.BootPlan;
import io.jkvm.firmware.cpu.BootState;
import io.jkvm.firmware.cpu.CpuTopology;
import io.jkvm.firmware.cpu.CpuidPolicy;
import io.jkvm.firmware.cpu.ResetVector;
import io.jkvm.firmware.cpu.VcpuEntry;
import io.jkvm.firmware.layout.MemoryMap;
import io.jkvm.firmware.layout.X86Layout;
import io.jkvm.firmware.tables.AcpiConfig;
import io.jkvm.firmware.tables.AcpiTables;
import io.jkvm.firmware.tables.PciInterrupts;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Builds a machine from its description: {@link #assemble} reads like its parts list. */
final class VmAssembler {
  /** Local APIC ids have 8 bits, and 255 means all. */
  private static final int MAX_CPUS = 255;

  private final VmConfig config;
  private final HostFacts host;
  private HostCapabilities capabilities;
  private final Reporter reporter;
  private final StopLatch stop;
  private final SerialSink console;
  private final NamedSwitches switches;

  private final CloseStack resources = new CloseStack();
  private final IoBus.Builder ports = IoBus.builder();
  private final IoBus.Builder mmio = IoBus.builder();
  private final List<String> announcements = new ArrayList<>();
  private final List<AcpiConfig.VirtioMmio> virtioMmio = new ArrayList<>();

  /** A machine ready to start, the serial port that takes input, and what its KVM can run. */
  record Machine(
      VirtualMachine vm, Uart16550 serial, List<VirtioNet> cards, HostCapabilities capabilities) {}

  /**
   * An assembler for one machine.
   *
   * @param known what an earlier machine's assembler found out about the host, or null to find out
   * @param switches where this machine meets others of the same process
   */
  VmAssembler(
      VmConfig config,
      HostFacts host,
      HostCapabilities known,
      Reporter reporter,
      StopLatch stop,
      SerialSink console,
      NamedSwitches switches) {
    this.config = config;
    this.host = host;
    this.capabilities = known;
    this.reporter = reporter;
    this.stop = stop;
    this.console = console;
    this.switches = switches;
  }

  /**
   * Opens everything and loads the guest.
   *
   * @throws IOException one line saying what is wrong and what to do
   */
  Machine assemble() throws IOException {
    try {
      return build();
    } catch (IOException | RuntimeException | Error e) {
      resources.close();
      throw e;
    }
  }

  private Machine build() throws IOException {
    BootPlan kernel = BootPlan.open(config.kernel(), config.bootMode(), reporter::note);
    List<RawImage> disks = new ArrayList<>();
    for (DiskConfig disk : config.disks()) {
      RawImage image = resources.push(RawImage.open(disk.image(), disk.readOnly()));
      resources.push(image::flush); // what the guest wrote and never flushed
      disks.add(image);
    }
    NetworkAssembler network = new NetworkAssembler(resources, switches);
    List<VirtioNet> cards = network.open(config.nets());
    reporter.step("kernel, disks and networks are open");

    Kvm kvm = resources.push(Kvm.open(config.kvmDevice()));
    checkCpus(kvm);
    Cpuid supported = kvm.supportedCpuid();
    if (capabilities == null) {
      capabilities = probe(kvm, supported);
    }
    GuestMemory memory = resources.push(allocateMemory());
    KvmVm vm = resources.push(kvm.createVm());
    vm.setTssAddress((int) X86Layout.KVM_TSS);
    vm.setIdentityMapAddress(X86Layout.KVM_IDENTITY_MAP);
    vm.createIrqchip();
    vm.createPit2();
    int slot = 0;
    for (var region : memory.regions()) {
      vm.setUserMemoryRegion(slot++, region.guestPhysicalAddress(), region.mapping());
    }
    reporter.step("VM with " + MemorySize.format(config.memoryBytes()) + " exists");

    Uart16550 serial = addLegacyDevices(vm);
    List<VirtioDevice> virtio = new ArrayList<>();
    for (int i = 0; i < disks.size(); i++) {
      DiskConfig disk = config.disks().get(i);
      String id = disk.id().orElse(VirtioBlock.defaultId(disk.image()));
      virtio.add(new VirtioBlock(disks.get(i), id));
    }
    virtio.addAll(cards);
    if (config.rng()) {
      virtio.add(new VirtioRng());
    }
    boolean overPci = config.virtio() == VirtioTransport.PCI;
    // The bus is there without devices too: Linux complains of a machine that has none.
    int pciDevices = addPci(vm, memory, overPci ? virtio : List.of());
    if (!overPci) {
      for (VirtioDevice device : virtio) {
        addVirtioMmio(vm, memory, device);
      }
    }

    String commandLine = KernelCommandLine.of(config, capabilities, announcements);
    reporter.step("command line: " + commandLine);
    BootState boot =
        kernel.load(
            new BootConfig(
                memory,
                MemoryMap.of(memory),
                commandLine,
                config.initrds(),
                config.cpus(),
                Set.of(),
                pciDevices,
                Optional.of(acpi())));
    if (boot instanceof ResetVector reset) {
      Mapping rom = resources.push(Mapping.anonymous(reset.rom().length));
      rom.buffer(0, rom.length()).put(reset.rom());
      vm.setReadOnlyMemoryRegion(slot, X86Layout.BIOS_ROM, rom);
    }
    reporter.step("kernel is loaded");

    List<KvmVcpu> vcpus = createVcpus(vm, supported);
    VcpuEntry.enter(vcpus.get(0), boot);
    // Closed first: what a network tells a card would reach interrupts that are closed.
    resources.push(network).start();
    return new Machine(
        new VirtualMachine("jkvm", memory, vcpus, ports.build(), mmio.build(), stop, resources),
        serial,
        cards,
        capabilities);
  }

  private HostCapabilities probe(Kvm kvm, Cpuid supported) {
    HostCapabilities found;
    try {
      found = HostProbe.run(kvm, supported);
    } catch (LinuxException e) {
      reporter.note("probing this host's KVM failed, taking it for an ordinary one: " + e);
      found = HostCapabilities.COMPLETE;
    }
    reporter.step("this host's KVM is probed");
    return found;
  }

  private List<KvmVcpu> createVcpus(KvmVm vm, Cpuid supported) throws IOException {
    CpuidPolicy policy = CpuidPolicy.of(capabilities, config.cpuid());
    CpuTopology topology = new CpuTopology(config.cpus());
    List<KvmVcpu> vcpus = new ArrayList<>();
    for (int id = 0; id < config.cpus(); id++) {
      KvmVcpu vcpu = resources.push(vm.createVcpu(id));
      vcpu.setCpuid(policy.apply(supported, topology, id));
      VcpuEntry.prepare(vcpu);
      vcpus.add(vcpu);
    }
    return vcpus;
  }

  /** Refuses more vCPUs than this host's KVM has, or than can work on it. */
  private void checkCpus(Kvm kvm) throws IOException {
    int limit = Math.min(kvm.maxVcpus(), MAX_CPUS);
    if (config.cpus() > limit) {
      throw new IOException(
          "--cpus "
              + config.cpus()
              + " is more than this host's KVM allows, which is "
              + limit
              + "; give less");
    }
  }

  private AcpiConfig acpi() {
    AcpiConfig.Pci bus =
        new AcpiConfig.Pci(
            range(X86Layout.PCI_PORTS, X86Layout.PCI_PORTS_END),
            range(X86Layout.PCI_MEMORY, X86Layout.PCI_MEMORY_END),
            Optional.empty(),
            Optional.empty());
    return new AcpiConfig(config.cpus(), virtioMmio, Optional.of(bus));
  }

  private static AddressRange range(long start, long end) {
    return new AddressRange(start, end - start);
  }

  private GuestMemory allocateMemory() throws IOException {
    if (config.memoryBytes() > host.memoryBytes()) {
      throw new IOException(
          "--mem "
              + MemorySize.format(config.memoryBytes())
              + " is more than this host's "
              + MemorySize.format(host.memoryBytes())
              + " of memory; give less");
    }
    return GuestMemory.allocate(config.memoryBytes());
  }

  private Uart16550 addLegacyDevices(KvmVm vm) {
    IrqLine serialIrq = vm.irqLine(Uart16550.COM1_IRQ);
    Uart16550 serial = new Uart16550(serialIrq, console);
    Runnable reset = () -> stop.request(StopReason.Kind.GUEST_RESET, "");
    I8042 i8042 = new I8042(vm.irqLine(I8042.KEYBOARD_IRQ), reset);
    ports.map(Uart16550.COM1_PORT, Uart16550.PORT_COUNT, "serial port", serial);
    ports.map(I8042.DATA_PORT, 1, "i8042 data", i8042.dataPort());
    ports.map(I8042.COMMAND_PORT, 1, "i8042 command", i8042.commandPort());
    ports.map(CmosRtc.PORT, CmosRtc.PORT_COUNT, "CMOS RTC", realTimeClock(vm));
    AcpiPm powerManagement =
        new AcpiPm(
            vm.irqLine(AcpiTables.SCI_GSI),
            AcpiTables.S5_SLEEP_TYPE,
            () -> stop.request(StopReason.Kind.GUEST_POWER_OFF, ""));
    ports.map(X86Layout.ACPI_PM1_EVENT, AcpiPm.PORT_COUNT, "ACPI PM", powerManagement);
    ports.map(PostCode.PORT, 1, "POST code", new PostCode());
    ports.map(SystemControlPortA.PORT, 1, "system control port A", new SystemControlPortA(reset));
    return serial;
  }

  private CmosRtc realTimeClock(KvmVm vm) {
    long below4Gib = Math.min(config.memoryBytes(), GuestMemory.LOW_RAM_LIMIT);
    return resources.push(
        new CmosRtc(
            Clock.systemUTC(),
            below4Gib,
            config.memoryBytes() - below4Gib,
            vm.irqLine(CmosRtc.RTC_IRQ)));
  }

  /** Puts the host bridge and the devices on PCI bus 0, in order; returns how many that is. */
  private int addPci(KvmVm vm, GuestMemory memory, List<VirtioDevice> devices) throws IOException {
    if (devices.size() >= PciBus.DEVICE_COUNT) {
      throw new IOException(
          devices.size()
              + " virtio devices do not fit on the PCI bus, which has "
              + (PciBus.DEVICE_COUNT - 1)
              + " places; give fewer disks and networks, or --virtio=mmio");
    }
    PciMemoryWindow window =
        new PciMemoryWindow(range(X86Layout.PCI_MEMORY, X86Layout.PCI_MEMORY_END));
    PciBus bus = new PciBus(window);
    bus.add(0, new PciHostBridge());
    KvmMsiRouter messages = resources.push(vm.createMsiRouter());
    Map<Integer, SharedIrqLine> lines = new HashMap<>();
    int slot = 0;
    for (VirtioDevice device : devices) {
      slot++;
      int gsi = PciInterrupts.gsi(slot, 0);
      SharedIrqLine line = lines.computeIfAbsent(gsi, g -> new SharedIrqLine(vm.irqLine(g)));
      bus.add(
          slot,
          resources.push(
              new VirtioPci(device, virtioHost(vm, memory), messages, line.newInput(), gsi)));
    }
    Runnable reset = () -> stop.request(StopReason.Kind.GUEST_RESET, "");
    ports.map(
        PciConfigPorts.PORT,
        PciConfigPorts.PORT_COUNT,
        "PCI configuration",
        new PciConfigPorts(bus, new ResetRegister(reset)));
    mmio.map(window.range().start(), window.range().length(), "PCI memory", window);
    return slot + 1;
  }

  private VirtioHost virtioHost(KvmVm vm, GuestMemory memory) {
    return new VirtioHost("jkvm", memory, vm.doorbells(), stop::isRequested);
  }

  private void addVirtioMmio(KvmVm vm, GuestMemory memory, VirtioDevice device) throws IOException {
    int index = announcements.size();
    long address = X86Layout.VIRTIO_MMIO + index * X86Layout.VIRTIO_MMIO_STEP;
    int irq = VirtioIrqs.forDevice(index);
    EventFd interrupt = resources.push(new EventFd());
    vm.irqfd(interrupt, irq);
    VirtioMmio transport =
        resources.push(new VirtioMmio(device, virtioHost(vm, memory), interrupt::signal, address));
    mmio.map(address, VirtioMmio.RANGE_BYTES, device.name(), transport);
    virtioMmio.add(
        new AcpiConfig.VirtioMmio(new AddressRange(address, VirtioMmio.RANGE_BYTES), irq));
    announcements.add(
        String.format(
            "virtio_mmio.device=%dK@0x%x:%d", VirtioMmio.RANGE_BYTES / 1024, address, irq));
  }
}
