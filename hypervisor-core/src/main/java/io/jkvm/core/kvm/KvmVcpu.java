// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.KvmLapic;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmRun;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmVcpuEvents;
import io.jkvm.core.kvm.state.KvmXcrs;
import io.jkvm.core.kvm.state.KvmXsave;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.Ioctl;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.Mapping;
import io.jkvm.core.linux.NativeMemory;
import java.util.List;
import java.util.Map;

/**
 * A virtual CPU. Everything but {@link #setImmediateExit} is called by one thread at a time: the
 * one that makes the VM, then the vCPU's own, or any one while the VM is paused.
 */
public final class KvmVcpu implements AutoCloseable {
  // KVM_GET_MP_STATE's answers (Documentation/virt/kvm/api.rst).
  private static final int MP_STATE_UNINITIALIZED = 1;
  private static final int MP_STATE_INIT_RECEIVED = 2;
  private static final int MP_STATE_HALTED = 3;

  private final KvmVm vm;
  private final int id;
  private final Fd fd;
  private final Mapping runMapping;
  private final KvmRun run;
  private final NativeMemory translation = new NativeMemory(24);
  private final NativeMemory mpState = new NativeMemory(4);
  private Cpuid cpuid = new Cpuid(List.of());

  KvmVcpu(KvmVm vm, int id, Fd fd, Mapping runMapping) {
    this.vm = vm;
    this.id = id;
    this.fd = fd;
    this.runMapping = runMapping;
    this.run = new KvmRun(runMapping.buffer(0, runMapping.length()));
  }

  public int id() {
    return id;
  }

  /** The VM that it belongs to. */
  public KvmVm vm() {
    return vm;
  }

  /** The page that KVM describes each exit in. */
  public KvmRun run() {
    return run;
  }

  /**
   * KVM_RUN: runs guest code until something needs user space.
   *
   * @return 0 when {@link #run} describes an exit, else the errno; EINTR (a signal or {@link
   *     #setImmediateExit}) and EAGAIN are normal. EINTR also says that nothing is left to be done
   *     in the kernel for the exit before
   */
  public int enter() {
    return -Math.min(0, Ioctl.call(fd.value(), KvmIoctl.RUN.number(), 0));
  }

  /**
   * Whether {@link #enter} returns EINTR in place of running guest code, having completed the exit
   * before. One that runs guest code already looks again when a signal reaches its thread.
   */
  public void setImmediateExit(boolean wanted) {
    run.setImmediateExit(wanted);
  }

  public KvmRegs regs() throws LinuxException {
    KvmRegs regs = new KvmRegs();
    read(regs);
    return regs;
  }

  /** Reads the general registers into a structure that is used again and again. */
  public void read(KvmRegs target) throws LinuxException {
    call(KvmIoctl.GET_REGS, target.memory());
  }

  /** Sets the general registers; an exception that KVM has queued is dropped by that. */
  public void setRegs(KvmRegs regs) throws LinuxException {
    call(KvmIoctl.SET_REGS, regs.memory());
  }

  public KvmSregs sregs() throws LinuxException {
    KvmSregs sregs = new KvmSregs();
    read(sregs);
    return sregs;
  }

  /** Reads the special registers into a structure that is used again and again. */
  public void read(KvmSregs target) throws LinuxException {
    call(KvmIoctl.GET_SREGS, target.memory());
  }

  public void setSregs(KvmSregs sregs) throws LinuxException {
    call(KvmIoctl.SET_SREGS, sregs.memory());
  }

  public KvmLapic lapic() throws LinuxException {
    KvmLapic lapic = new KvmLapic();
    call(KvmIoctl.GET_LAPIC, lapic.memory());
    return lapic;
  }

  public void setLapic(KvmLapic lapic) throws LinuxException {
    call(KvmIoctl.SET_LAPIC, lapic.memory());
  }

  public KvmVcpuEvents events() throws LinuxException {
    KvmVcpuEvents events = new KvmVcpuEvents();
    read(events);
    return events;
  }

  /** Reads the pending events into a structure that is used again and again. */
  public void read(KvmVcpuEvents target) throws LinuxException {
    call(KvmIoctl.GET_VCPU_EVENTS, target.memory());
  }

  public void setEvents(KvmVcpuEvents events) throws LinuxException {
    call(KvmIoctl.SET_VCPU_EVENTS, events.memory());
  }

  /**
   * Reads the vector and other extended registers into a structure that is used again and again.
   */
  public void read(KvmXsave target) throws LinuxException {
    call(KvmIoctl.GET_XSAVE, target.memory());
  }

  /** Sets the vector and other extended registers. */
  public void setXsave(KvmXsave xsave) throws LinuxException {
    call(KvmIoctl.SET_XSAVE, xsave.memory());
  }

  /** Reads the extended control registers into a structure that is used again and again. */
  public void read(KvmXcrs target) throws LinuxException {
    call(KvmIoctl.GET_XCRS, target.memory());
  }

  public void setXcrs(KvmXcrs xcrs) throws LinuxException {
    call(KvmIoctl.SET_XCRS, xcrs.memory());
  }

  public void setCpuid(Cpuid cpuid) throws LinuxException {
    call(KvmIoctl.SET_CPUID2, cpuid.encode());
    this.cpuid = cpuid;
  }

  /** What {@link #setCpuid} was given last; empty before. */
  public Cpuid cpuid() {
    return cpuid;
  }

  /**
   * Sets model-specific registers.
   *
   * @throws LinuxException with EINVAL when KVM refuses one of them
   */
  public void setMsrs(Map<Integer, Long> values) throws LinuxException {
    NativeMemory msrs = new NativeMemory(8 + 16 * values.size());
    msrs.buffer().putInt(values.size()).putInt(0);
    values.forEach((index, value) -> msrs.buffer().putInt(index).putInt(0).putLong(value));
    if (call(KvmIoctl.SET_MSRS, msrs) != values.size()) {
      throw new LinuxException("KVM_SET_MSRS", Errno.EINVAL);
    }
  }

  /** Reads one model-specific register. */
  public long msr(int index) throws LinuxException {
    NativeMemory msrs = new NativeMemory(24);
    msrs.buffer().putInt(0, 1).putInt(8, index);
    if (call(KvmIoctl.GET_MSRS, msrs) != 1) {
      throw new LinuxException("KVM_GET_MSRS", Errno.EINVAL);
    }
    return msrs.buffer().getLong(16);
  }

  /**
   * Whether it stands still until another vCPU or a non-maskable interrupt wakes it: it waits for
   * its startup IPI, or it is in HLT with interrupts off. What KVM_RUN was to go on with after an
   * exit is not looked at, so only EINTR may have come last.
   */
  public boolean isHaltedForGood() throws LinuxException {
    call(KvmIoctl.GET_MP_STATE, mpState);
    return switch (mpState.buffer().getInt(0)) {
      case MP_STATE_UNINITIALIZED, MP_STATE_INIT_RECEIVED -> true;
      case MP_STATE_HALTED ->
          (regs().rflags() & KvmRegs.RFLAGS_IF) == 0 && !events().nonMaskablePending();
      default -> false;
    };
  }

  /**
   * KVM_TRANSLATE: the guest-physical address behind a linear one in the current mode, or -1 where
   * nothing is mapped.
   */
  public long translate(long linearAddress) throws LinuxException {
    translation.buffer().putLong(0, linearAddress);
    call(KvmIoctl.TRANSLATE, translation);
    return translation.buffer().get(16) != 0 ? translation.buffer().getLong(8) : -1;
  }

  /**
   * KVM_KVMCLOCK_CTRL: tells the guest with its next clock update that it was stopped, so that its
   * watchdogs do not take the pause for a lockup. A guest without a paravirtual clock is not told.
   */
  public void kvmclockCtrl() throws LinuxException {
    int result = Ioctl.call(fd.value(), KvmIoctl.KVMCLOCK_CTRL.number(), 0);
    if (result < 0 && result != -Errno.EINVAL) {
      throw new LinuxException("KVM_KVMCLOCK_CTRL", -result);
    }
  }

  private int call(KvmIoctl ioctl, NativeMemory argument) throws LinuxException {
    int result = ioctl.call(fd.value(), argument.address());
    java.lang.ref.Reference.reachabilityFence(argument);
    return result;
  }

  @Override
  public void close() {
    fd.close();
    runMapping.close();
  }
}
