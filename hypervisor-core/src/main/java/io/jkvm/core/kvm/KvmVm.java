// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import io.jkvm.core.bus.Doorbells;
import io.jkvm.core.irq.IrqLine;
import io.jkvm.core.kvm.state.KvmRun;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.Ioctl;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.Mapping;
import io.jkvm.core.linux.NativeMemory;

/** A VM: memory slots, interrupt controllers, doorbells. Configured by one thread. */
public final class KvmVm implements AutoCloseable {
  /** Inputs of the I/O APIC in the kernel: global system interrupts 0 to 23. */
  public static final int IO_APIC_INPUTS = 24;

  private static final int KVM_MEM_READONLY = 2;
  static final int KVM_PMU_CAP_DISABLE = 1;

  private static final int KVM_PIT_SPEAKER_DUMMY = 1;
  private static final int CLOCK_BYTES = 48;

  private final Fd fd;
  private final int vcpuMmapSizeBytes;

  KvmVm(Fd fd, int vcpuMmapSizeBytes) {
    this.fd = fd;
    this.vcpuMmapSizeBytes = vcpuMmapSizeBytes;
  }

  /**
   * Makes host memory appear in the guest.
   *
   * @param slot the slot's number, not in use
   * @param guestPhysicalAddress a multiple of 4096
   * @param memory stays mapped until this VM is closed
   */
  public void setUserMemoryRegion(int slot, long guestPhysicalAddress, Mapping memory)
      throws LinuxException {
    setRegion(slot, 0, guestPhysicalAddress, memory);
  }

  /** The same, but a guest's write goes to {@link KvmRun#MMIO} in place of memory. */
  public void setReadOnlyMemoryRegion(int slot, long guestPhysicalAddress, Mapping memory)
      throws LinuxException {
    setRegion(slot, KVM_MEM_READONLY, guestPhysicalAddress, memory);
  }

  private void setRegion(int slot, int flags, long address, Mapping memory) throws LinuxException {
    NativeMemory region = new NativeMemory(32);
    region
        .buffer()
        .putInt(slot)
        .putInt(flags)
        .putLong(address)
        .putLong(memory.length())
        .putLong(memory.address());
    call(KvmIoctl.SET_USER_MEMORY_REGION, region);
  }

  /**
   * Three pages that Intel's VMX needs for real mode; harmless elsewhere. Must be outside RAM and
   * devices, below 4 GiB, and set before the first vCPU.
   */
  public void setTssAddress(int guestPhysicalAddress) throws LinuxException {
    KvmIoctl.SET_TSS_ADDR.call(fd.value(), Integer.toUnsignedLong(guestPhysicalAddress));
  }

  /** One page for the same purpose. */
  public void setIdentityMapAddress(long guestPhysicalAddress) throws LinuxException {
    NativeMemory address = new NativeMemory(8);
    address.buffer().putLong(guestPhysicalAddress);
    call(KvmIoctl.SET_IDENTITY_MAP_ADDR, address);
  }

  /** Two 8259A PICs, an I/O APIC and a local APIC for each vCPU made later, all in the kernel. */
  public void createIrqchip() throws LinuxException {
    KvmIoctl.CREATE_IRQCHIP.call(fd.value(), 0);
  }

  /** An 8254 timer in the kernel, with port 0x61 (speaker gate) answered there too. */
  public void createPit2() throws LinuxException {
    NativeMemory config = new NativeMemory(64);
    config.buffer().putInt(KVM_PIT_SPEAKER_DUMMY);
    call(KvmIoctl.CREATE_PIT2, config);
  }

  /**
   * KVM_PMU_CAP_DISABLE: no vCPU made later has performance counters, whatever CPUID shows. Without
   * it KVM gives the four of the K7 to each guest of an AMD host.
   *
   * <pre>
   * struct kvm_enable_cap {   offset
   *   __u32 cap;                   0
   *   __u32 flags;                 4
   *   __u64 args[4];               8
   *   __u8 pad[64];               40
   * };
   * </pre>
   */
  public void disablePmu() throws LinuxException {
    NativeMemory capability = new NativeMemory(104);
    capability
        .buffer()
        .putInt(KvmCap.PMU_CAPABILITY.number())
        .putInt(0)
        .putLong(KVM_PMU_CAP_DISABLE);
    call(KvmIoctl.ENABLE_CAP, capability);
  }

  /** A line to an interrupt controller input, for devices that drive a level themselves. */
  public IrqLine irqLine(int gsi) {
    // Two constant structures: drivers may set the level from several threads.
    NativeMemory low = irqLevel(gsi, 0);
    NativeMemory high = irqLevel(gsi, 1);
    return asserted ->
        Ioctl.call(fd.value(), KvmIoctl.IRQ_LINE.number(), (asserted ? high : low).address());
  }

  private static NativeMemory irqLevel(int gsi, int level) {
    NativeMemory irqLevel = new NativeMemory(8);
    irqLevel.buffer().putInt(gsi).putInt(level);
    return irqLevel;
  }

  /**
   * Each signal of the eventfd becomes an edge on the interrupt input, or a message, until the
   * eventfd is closed.
   */
  public void irqfd(EventFd eventFd, int gsi) throws LinuxException {
    NativeMemory irqfd = new NativeMemory(32);
    irqfd.buffer().putInt(eventFd.fd().value()).putInt(gsi);
    call(KvmIoctl.IRQFD, irqfd);
  }

  /** Replaces the interrupt routing. May be called while vCPUs run; in effect on return. */
  public void setGsiRouting(GsiRouting routing) throws LinuxException {
    call(KvmIoctl.SET_GSI_ROUTING, routing.table());
  }

  /** Message-signalled interrupts of this VM; to be closed before it, after its devices. */
  public KvmMsiRouter createMsiRouter() {
    return new KvmMsiRouter(this);
  }

  /** Doorbells that may be moved while vCPUs run. */
  public Doorbells doorbells() {
    return new KvmDoorbells(fd.value());
  }

  /**
   * KVM_GET_CLOCK: nanoseconds since the VM came into being, as the guest's kvmclock counts them.
   *
   * <pre>
   * struct kvm_clock_data {   offset
   *   __u64 clock;                 0
   *   __u32 flags;                 8
   *   __u32 pad0;                 12
   *   __u64 realtime;             16
   *   __u64 host_tsc;             24
   *   __u32 pad[4];               32
   * };
   * </pre>
   */
  public long clock() throws LinuxException {
    NativeMemory clock = new NativeMemory(CLOCK_BYTES);
    call(KvmIoctl.GET_CLOCK, clock);
    return clock.buffer().getLong(0);
  }

  /**
   * KVM_SET_CLOCK without flags: the guest's kvmclock goes on from here. With the flags that
   * KVM_GET_CLOCK returns, KVM would add the time that has passed since.
   *
   * @param nanoseconds what {@link #clock} said; no vCPU runs meanwhile
   */
  public void setClock(long nanoseconds) throws LinuxException {
    NativeMemory clock = new NativeMemory(CLOCK_BYTES);
    clock.buffer().putLong(0, nanoseconds);
    call(KvmIoctl.SET_CLOCK, clock);
  }

  /**
   * KVM_CREATE_VCPU.
   *
   * @param id from 0; also the local APIC id
   */
  public KvmVcpu createVcpu(int id) throws LinuxException {
    Fd vcpu = new Fd(KvmIoctl.CREATE_VCPU.call(fd.value(), id));
    try {
      return new KvmVcpu(this, id, vcpu, Mapping.shared("kvm_run", vcpu, vcpuMmapSizeBytes));
    } catch (LinuxException | RuntimeException e) {
      vcpu.close();
      throw e;
    }
  }

  private void call(KvmIoctl ioctl, NativeMemory argument) throws LinuxException {
    ioctl.call(fd.value(), argument.address());
    java.lang.ref.Reference.reachabilityFence(argument);
  }

  @Override
  public void close() {
    fd.close();
  }
}
