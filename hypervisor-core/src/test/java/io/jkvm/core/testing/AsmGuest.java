// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.bus.IoBus;
import io.jkvm.core.kvm.Kvm;
import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.KvmVm;
import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmSregs.Segment;
import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.vm.VirtualMachine;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Runs one of the guests of guest-images/asm on the real KVM: a machine with a transmit-only serial
 * port, the keyboard controller's reset and whatever devices the test adds.
 */
public final class AsmGuest implements AutoCloseable {
  public static final long RAM_BYTES = 16L << 20;

  private static final long REAL_MODE_START = 0x7c00;
  private static final long RING3_START = 0x20_0000;
  private static final long STACKS = 0x30_0000;
  private static final long PAGE_TABLES = 0x40_0000;
  private static final long RFLAGS_IOPL3 = 3 << 12;

  private final StringBuffer serial = new StringBuffer();
  private final StopLatch stop = new StopLatch();
  private final VirtualMachine vm;
  private final GuestMemory memory;

  /** Machine parts that a test may add before the guest starts. */
  public record Parts(IoBus.Builder ports, IoBus.Builder mmio, GuestMemory memory, KvmVm vm) {}

  /**
   * Loads a guest.
   *
   * @param name such as "rm-hello"
   * @param irqchip whether interrupt controllers exist in the kernel
   */
  public AsmGuest(String name, boolean irqchip, Consumer<Parts> devices) throws Exception {
    this(name, irqchip, 1, devices);
  }

  /**
   * Loads a guest that runs on several vCPUs. Those of a machine with interrupt controllers but the
   * first wait for one that never comes; without, all run the guest, each with its number in RDI
   * and a stack of its own.
   */
  public AsmGuest(String name, boolean irqchip, int cpus, Consumer<Parts> devices)
      throws Exception {
    byte[] code = Files.readAllBytes(ProjectFiles.guestImage("asm/" + name + ".bin"));
    CloseStack resources = new CloseStack("test");
    Kvm kvm = resources.push(Layer.HOST, Kvm.open("/dev/kvm"));
    memory = resources.push(Layer.MEMORY, GuestMemory.allocate(RAM_BYTES));
    KvmVm kvmVm = resources.push(Layer.VM, kvm.createVm());
    kvmVm.setTssAddress(0xfffbd000);
    kvmVm.setIdentityMapAddress(0xfffbc000L);
    if (irqchip) {
      kvmVm.createIrqchip();
    }
    kvmVm.setUserMemoryRegion(0, 0, memory.regions().get(0).mapping());
    List<KvmVcpu> vcpus = new ArrayList<>();
    for (int id = 0; id < cpus; id++) {
      KvmVcpu vcpu = resources.push(Layer.VCPUS, kvmVm.createVcpu(id));
      vcpu.setCpuid(kvm.supportedCpuid().change(1, 0, Cpuid.Register.ECX, 1 << 23 | 1 << 13, 0));
      vcpus.add(vcpu);
    }
    IoBus.Builder ports = IoBus.builder().map(0x3f8, 8, "serial", serialPort());
    IoBus.Builder mmio = IoBus.builder();
    ports.map(0x64, 1, "keyboard controller", resetPort());
    devices.accept(new Parts(ports, mmio, memory, kvmVm));
    if (name.startsWith("r3-")) {
      memory.write(RING3_START, code, 0, code.length);
      for (KvmVcpu vcpu : vcpus) {
        enterRing3(vcpu);
      }
    } else {
      memory.write(REAL_MODE_START, code, 0, code.length);
      enterRealMode(vcpus.get(0));
    }
    vm = new VirtualMachine(name, memory, vcpus, ports.build(), mmio.build(), stop, resources);
  }

  /** What the guest has printed so far. */
  public String serialOutput() {
    return serial.toString();
  }

  public VirtualMachine vm() {
    return vm;
  }

  /** Runs until the guest ends by itself. */
  public StopReason runToEnd() throws InterruptedException {
    vm.start();
    return vm.awaitStop(60, TimeUnit.SECONDS)
        .orElseThrow(() -> new AssertionError("still running; printed: " + serial));
  }

  /** Starts the guest and waits until it has printed a text. */
  public void startAndAwait(String text) throws InterruptedException {
    vm.start();
    long deadline = System.nanoTime() + 120_000_000_000L;
    while (serial.indexOf(text) < 0) {
      if (System.nanoTime() > deadline || stop.isRequested()) {
        throw new AssertionError("no '" + text + "': " + serial + stop.reason());
      }
      Thread.sleep(2);
    }
  }

  @Override
  public void close() {
    vm.close();
  }

  private static void enterRealMode(KvmVcpu vcpu) throws Exception {
    KvmSregs sregs = vcpu.sregs();
    sregs.segment(Segment.CS, 0, 0, 0xffff, 11, 0, false);
    for (Segment segment : List.of(Segment.DS, Segment.ES, Segment.SS)) {
      sregs.segment(segment, 0, 0, 0xffff, 3, 0, false);
    }
    vcpu.setSregs(sregs);
    vcpu.setRegs(
        new KvmRegs()
            .rip(REAL_MODE_START)
            .rflags(KvmRegs.RFLAGS_RESERVED)
            .set(KvmRegs.RSP, REAL_MODE_START));
  }

  private void enterRing3(KvmVcpu vcpu) throws Exception {
    // Four levels, user and writable, 2 MiB pages over the low 4 GiB.
    memory.writeU64(PAGE_TABLES, PAGE_TABLES + 0x1000 | 7);
    for (int gib = 0; gib < 4; gib++) {
      long directory = PAGE_TABLES + 0x2000 + gib * 0x1000L;
      memory.writeU64(PAGE_TABLES + 0x1000 + gib * 8L, directory | 7);
      for (int i = 0; i < 512; i++) {
        memory.writeU64(directory + i * 8L, (long) gib << 30 | (long) i << 21 | 0x87);
      }
    }
    KvmSregs sregs = vcpu.sregs();
    sregs.segment(Segment.CS, 0x33, 0, -1, 11, 3, true);
    for (Segment segment : List.of(Segment.DS, Segment.ES, Segment.FS, Segment.GS, Segment.SS)) {
      sregs.segment(segment, 0x2b, 0, -1, 3, 3, false);
    }
    sregs.cr3(PAGE_TABLES).cr4(0x620).cr0(0x80050033L).efer(KvmSregs.EFER_LME | KvmSregs.EFER_LMA);
    vcpu.setSregs(sregs);
    vcpu.setRegs(
        new KvmRegs()
            .rip(RING3_START)
            .rflags(KvmRegs.RFLAGS_RESERVED | RFLAGS_IOPL3)
            .set(KvmRegs.RDI, vcpu.id())
            .set(KvmRegs.RSP, STACKS - vcpu.id() * 0x1000L));
  }

  private BusDevice serialPort() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return offset == 5 ? 0x60 : 0; // line status: transmitter empty
      }

      @Override
      public void write(long offset, int size, long value) {
        if (offset == 0) {
          serial.append(new String(new byte[] {(byte) value}, StandardCharsets.ISO_8859_1));
        }
      }
    };
  }

  private BusDevice resetPort() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return 0;
      }

      @Override
      public void write(long offset, int size, long value) {
        if (value == 0xfe) {
          stop.request(StopReason.Kind.GUEST_RESET, "");
        }
      }
    };
  }
}
