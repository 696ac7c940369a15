// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.bus.IoBus;
import io.jkvm.core.irq.IrqLine;
import io.jkvm.core.kvm.Kvm;
import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.KvmVm;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Mapping;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.vm.CloseStack;
import io.jkvm.core.vm.StopLatch;
import io.jkvm.core.vm.StopReason;
import io.jkvm.core.vm.VirtualMachine;
import io.jkvm.devices.legacy.CmosRtc;
import io.jkvm.devices.legacy.I8042;
import io.jkvm.devices.legacy.PostCode;
import io.jkvm.devices.legacy.SerialSink;
import io.jkvm.devices.legacy.SystemControlPortA;
import io.jkvm.devices.legacy.Uart16550;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioMmio;
import io.jkvm.devices.virtio.block.RawImage;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.rng.VirtioRng;
import io.jkvm.firmware.boot.BootConfig;
import io.jkvm.firmware.boot.BootState;
import io.jkvm.firmware.boot.CpuidPolicy;
import io.jkvm.firmware.boot.MemoryMap;
import io.jkvm.firmware.boot.ResetVector;
import io.jkvm.firmware.boot.X86Layout;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Builds a machine from its description: {@link #assemble} reads like its parts list. */
final class VmAssembler {
  private final VmConfig config;
  private final HostFacts host;
  private final Reporter reporter;
  private final StopLatch stop;
  private final SerialSink console;

  private final CloseStack resources = new CloseStack();
  private final IoBus.Builder ports = IoBus.builder();
  private final IoBus.Builder mmio = IoBus.builder();
  private final List<String> announcements = new ArrayList<>();

  /** A machine ready to start, and the serial port that takes input. */
  record Machine(VirtualMachine vm, Uart16550 serial) {}

  VmAssembler(
      VmConfig config, HostFacts host, Reporter reporter, StopLatch stop, SerialSink console) {
    this.config = config;
    this.host = host;
    this.reporter = reporter;
    this.stop = stop;
    this.console = console;
  }

  /**
   * Opens everything and loads the guest.
   *
   * @throws IOException one line saying what is wrong and what to do
   */
  Machine assemble() throws IOException {
    try {
      return build();
    } catch (IOException | RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  private Machine build() throws IOException {
    CpuidPolicy cpuidPolicy = CpuidPolicy.of(host.hardwareVirtualization(), config.cpuid());
    KernelLoader kernel = KernelLoader.open(config, reporter);
    List<RawImage> disks = new ArrayList<>();
    for (DiskConfig disk : config.disks()) {
      RawImage image = resources.push(RawImage.open(disk.image(), disk.readOnly()));
      resources.push(image::flush); // what the guest wrote and never flushed
      disks.add(image);
    }
    reporter.step("kernel and disks are open");

    Kvm kvm = resources.push(Kvm.open(config.kvmDevice()));
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
    for (int i = 0; i < disks.size(); i++) {
      DiskConfig disk = config.disks().get(i);
      String id = disk.id().orElse(VirtioBlock.defaultId(disk.image()));
      addVirtio(vm, memory, new VirtioBlock(disks.get(i), id));
    }
    addVirtio(vm, memory, new VirtioRng());

    String commandLine = KernelCommandLine.of(config, host.hardwareVirtualization(), announcements);
    reporter.step("command line: " + commandLine);
    BootState boot =
        kernel.load(
            new BootConfig(
                memory,
                MemoryMap.of(memory),
                commandLine,
                config.initrd().orElse(null),
                1,
                Set.of()));
    if (boot instanceof ResetVector reset) {
      Mapping rom = resources.push(Mapping.anonymous(reset.rom().length));
      rom.buffer(0, rom.length()).put(reset.rom());
      vm.setReadOnlyMemoryRegion(slot, X86Layout.BIOS_ROM, rom);
    }
    reporter.step("kernel is loaded");

    KvmVcpu vcpu = resources.push(vm.createVcpu(0));
    vcpu.setCpuid(cpuidPolicy.apply(kvm.supportedCpuid(), 0));
    VcpuSetup.prepare(vcpu, boot);
    return new Machine(
        new VirtualMachine(
            "jkvm", memory, List.of(vcpu), ports.build(), mmio.build(), stop, resources),
        serial);
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

  private void addVirtio(KvmVm vm, GuestMemory memory, VirtioDevice device) throws IOException {
    int index = announcements.size();
    long address = X86Layout.VIRTIO_MMIO + index * X86Layout.VIRTIO_MMIO_STEP;
    int irq = VirtioIrqs.forDevice(index);
    EventFd interrupt = resources.push(new EventFd());
    vm.irqfd(interrupt, irq);
    VirtioMmio transport = resources.push(new VirtioMmio(device, memory, interrupt));
    for (int queue = 0; queue < transport.queueCount(); queue++) {
      vm.ioeventfd(transport.queueNotify(queue), address + VirtioMmio.QUEUE_NOTIFY, queue);
    }
    mmio.map(address, VirtioMmio.RANGE_BYTES, device.name(), transport);
    announcements.add(
        String.format(
            "virtio_mmio.device=%dK@0x%x:%d", VirtioMmio.RANGE_BYTES / 1024, address, irq));
  }
}
