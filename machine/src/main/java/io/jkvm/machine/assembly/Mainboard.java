// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.bus.AddressRange;
import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.bus.IoBus;
import io.jkvm.core.irq.IrqLine;
import io.jkvm.core.irq.SharedIrqLine;
import io.jkvm.core.kvm.KvmMsiRouter;
import io.jkvm.core.kvm.KvmVm;
import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.core.lifecycle.Pausable;
import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.clock.CmosRtc;
import io.jkvm.devices.legacy.AcpiPm;
import io.jkvm.devices.legacy.ExitStatusPort;
import io.jkvm.devices.legacy.I8042;
import io.jkvm.devices.legacy.PostCode;
import io.jkvm.devices.legacy.ResetPort;
import io.jkvm.devices.pci.PciBus;
import io.jkvm.devices.pci.PciConfigPorts;
import io.jkvm.devices.pci.PciHostBridge;
import io.jkvm.devices.pci.PciMemoryWindow;
import io.jkvm.devices.serial.SerialSink;
import io.jkvm.devices.serial.Uart16550;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.transport.VirtioHost;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;
import io.jkvm.devices.virtio.transport.pci.VirtioPci;
import io.jkvm.firmware.layout.X86Layout;
import io.jkvm.firmware.tables.AcpiConfig;
import io.jkvm.firmware.tables.AcpiTables;
import io.jkvm.firmware.tables.PciInterrupts;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.PortDevice;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** What the processors reach: which device answers where, by which interrupt it calls. */
final class Mainboard {
  private final String machineName;
  private final KvmVm vm;
  private final GuestMemory memory;
  private final StopLatch stop;
  private final CloseStack resources;

  private final IoBus.Builder ports = IoBus.builder();
  private final IoBus.Builder mmio = IoBus.builder();
  private final List<Pausable> pausables = new ArrayList<>();
  private final List<String> announcements = new ArrayList<>();
  private final List<AcpiConfig.VirtioMmio> virtioMmio = new ArrayList<>();
  private int pciDevices;

  Mainboard(
      String machineName, KvmVm vm, GuestMemory memory, StopLatch stop, CloseStack resources) {
    this.machineName = machineName;
    this.vm = vm;
    this.memory = memory;
    this.stop = stop;
    this.resources = resources;
  }

  IoBus ports() {
    return ports.build();
  }

  IoBus mmio() {
    return mmio.build();
  }

  /** Everything with threads, in the order in which it is brought to rest. */
  List<Pausable> pausables() {
    return List.copyOf(pausables);
  }

  /** What the kernel's command line has to say of the virtio-mmio devices. */
  List<String> announcements() {
    return announcements;
  }

  /** How many devices PCI bus 0 has, the host bridge included. */
  int pciDevices() {
    return pciDevices;
  }

  private void reset() {
    stop.request(StopReason.Kind.GUEST_RESET, "");
  }

  Uart16550 addSerialPort(SerialSink console) {
    Uart16550 serial =
        resources.push(Layer.DEVICES, new Uart16550(vm.irqLine(Uart16550.COM1_IRQ), console));
    pausables.add(serial);
    ports.map(Uart16550.COM1_PORT, Uart16550.PORT_COUNT, "serial port", serial);
    return serial;
  }

  AcpiPm addPowerManagement() {
    AcpiPm powerManagement =
        new AcpiPm(
            vm.irqLine(AcpiTables.SCI_GSI),
            AcpiTables.S5_SLEEP_TYPE,
            () -> stop.request(StopReason.Kind.GUEST_POWER_OFF, ""));
    ports.map(X86Layout.ACPI_PM1_EVENT, AcpiPm.PORT_COUNT, "ACPI PM", powerManagement);
    return powerManagement;
  }

  ExitStatusPort addExitStatus() {
    ExitStatusPort exitStatus = new ExitStatusPort();
    ports.map(X86Layout.EXIT_STATUS, 1, "exit status", exitStatus);
    return exitStatus;
  }

  void addLegacyDevices(long memoryBytes) {
    I8042 i8042 = new I8042(vm.irqLine(I8042.KEYBOARD_IRQ), this::reset);
    ports.map(I8042.DATA_PORT, 1, "i8042 data", i8042.dataPort());
    ports.map(I8042.COMMAND_PORT, 1, "i8042 command", i8042.commandPort());
    long below4Gib = Math.min(memoryBytes, GuestMemory.LOW_RAM_LIMIT);
    CmosRtc clock =
        resources.push(
            Layer.DEVICES,
            new CmosRtc(
                machineName,
                Clock.systemUTC(),
                below4Gib,
                memoryBytes - below4Gib,
                vm.irqLine(CmosRtc.RTC_IRQ)));
    ports.map(CmosRtc.PORT, CmosRtc.PORT_COUNT, "CMOS RTC", clock);
    ports.map(PostCode.PORT, 1, "POST code", new PostCode());
    ports.map(
        ResetPort.SYSTEM_CONTROL_A,
        1,
        "system control port A",
        ResetPort.systemControlA(this::reset));
    pausables.add(clock);
  }

  /** Puts the host bridge and the devices on PCI bus 0, in order. */
  void addPci(List<VirtioDevice> devices) throws IOException {
    if (devices.size() >= PciBus.DEVICE_COUNT) {
      throw new MachineException(
          Problem.TOO_MANY_DEVICES,
          devices.size()
              + " virtio devices do not fit on the PCI bus, which has "
              + (PciBus.DEVICE_COUNT - 1)
              + " slots for them");
    }
    // A kernel without ACPI does not know of PCI_MEMORY: it takes the first gap above RAM.
    long start = devices.isEmpty() ? X86Layout.PCI_MEMORY : X86Layout.lowRamEnd(memory);
    PciMemoryWindow window = new PciMemoryWindow(range(start, X86Layout.PCI_MEMORY_END));
    PciBus bus = new PciBus(window, X86Layout.PCI_MEMORY);
    bus.add(0, new PciHostBridge());
    KvmMsiRouter messages = resources.push(Layer.INTERRUPTS, vm.createMsiRouter());
    Map<Integer, SharedIrqLine> lines = new HashMap<>();
    int slot = 0;
    for (VirtioDevice device : devices) {
      slot++;
      int gsi = PciInterrupts.gsi(slot, 0);
      SharedIrqLine line = lines.computeIfAbsent(gsi, g -> new SharedIrqLine(vm.irqLine(g)));
      VirtioPci function =
          resources.push(
              Layer.DEVICES, new VirtioPci(device, virtioHost(), messages, line.newInput(), gsi));
      pausables.add(function);
      bus.add(slot, function);
    }
    ports.map(
        PciConfigPorts.PORT,
        PciConfigPorts.PORT_COUNT,
        "PCI configuration",
        new PciConfigPorts(bus, ResetPort.resetControl(this::reset)));
    mmio.map(window.range().start(), window.range().length(), "PCI memory", window);
    pciDevices = slot + 1;
  }

  void addVirtioMmio(VirtioDevice device) throws IOException {
    int index = announcements.size();
    long address = X86Layout.VIRTIO_MMIO + index * X86Layout.VIRTIO_MMIO_STEP;
    int irq = VirtioIrqs.forDevice(index);
    EventFd interrupt = resources.push(Layer.INTERRUPTS, new EventFd());
    vm.irqfd(interrupt, irq);
    VirtioMmio transport =
        resources.push(
            Layer.DEVICES, new VirtioMmio(device, virtioHost(), interrupt::signal, address));
    pausables.add(transport);
    mmio.map(address, VirtioMmio.RANGE_BYTES, device.name(), transport);
    virtioMmio.add(
        new AcpiConfig.VirtioMmio(new AddressRange(address, VirtioMmio.RANGE_BYTES), irq));
    announcements.add(
        String.format(
            "virtio_mmio.device=%dK@0x%x:%d", VirtioMmio.RANGE_BYTES / 1024, address, irq));
  }

  private VirtioHost virtioHost() {
    return new VirtioHost(
        machineName,
        memory,
        vm.doorbells(),
        stop::isRequested,
        reason -> stop.request(StopReason.Kind.HOST_FAILURE, reason));
  }

  /** Adds a device of the user's own. */
  void addPortDevice(PortDevice wanted) {
    BusDevice device;
    try {
      device = own(wanted.factory().create(new Connections()));
      ports.map(wanted.firstPort(), wanted.portCount(), wanted.name(), device);
    } catch (RuntimeException e) {
      throw new MachineException(Problem.DEVICE, wanted.name() + ": " + e, e);
    }
    if (device instanceof Pausable pausable) {
      pausables.add(pausable);
    }
  }

  /**
   * Takes charge of a device that the user has made: it is closed with the machine if it can be.
   */
  <T> T own(T device) {
    if (device instanceof AutoCloseable closeable) {
      resources.push(Layer.DEVICES, closeable);
    }
    return Objects.requireNonNull(device, "no device was made");
  }

  AcpiConfig acpi(int processors) {
    AcpiConfig.Pci bus =
        new AcpiConfig.Pci(
            range(X86Layout.PCI_PORTS, X86Layout.PCI_PORTS_END),
            range(X86Layout.PCI_MEMORY, X86Layout.PCI_MEMORY_END));
    return new AcpiConfig(processors, virtioMmio, Optional.of(bus));
  }

  private static AddressRange range(long start, long end) {
    return new AddressRange(start, end - start);
  }

  /** What a device of the user's own is wired to. */
  private final class Connections implements PortDevice.Connections {
    @Override
    public String machineName() {
      return machineName;
    }

    @Override
    public IrqLine irqLine(int gsi) {
      if (gsi < 0 || gsi >= KvmVm.IO_APIC_INPUTS) {
        throw new IllegalArgumentException("there is no interrupt input " + gsi);
      }
      return vm.irqLine(gsi);
    }
  }
}
