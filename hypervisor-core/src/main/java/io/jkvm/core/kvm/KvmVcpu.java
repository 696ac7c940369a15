// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.KvmFpu;
import io.jkvm.core.kvm.state.KvmLapic;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmRun;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmVcpuEvents;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.Ioctl;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.Mapping;
import io.jkvm.core.linux.NativeMemory;
import java.util.Map;

/**
 * A virtual CPU. Everything but {@link #requestImmediateExit} is called by one thread at a time:
 * the one that makes the VM, then the vCPU's own.
 */
public final class KvmVcpu implements AutoCloseable {
  private final int id;
  private final Fd fd;
  private final Mapping runMapping;
  private final KvmRun run;

  KvmVcpu(int id, Fd fd, Mapping runMapping) {
    this.id = id;
    this.fd = fd;
    this.runMapping = runMapping;
    this.run = new KvmRun(runMapping.buffer(0, runMapping.length()));
  }

  public int id() {
    return id;
  }

  /** The page that KVM describes each exit in. */
  public KvmRun run() {
    return run;
  }

  /**
   * KVM_RUN: runs guest code until something needs user space.
   *
   * @return 0 when {@link #run} describes an exit, else the errno; EINTR (a signal or {@link
   *     #requestImmediateExit}) and EAGAIN are normal
   */
  public int enter() {
    return -Math.min(0, Ioctl.call(fd.value(), KvmIoctl.RUN.number(), 0));
  }

  /** Makes the running or next {@link #enter} return EINTR once a signal reaches its thread. */
  public void requestImmediateExit() {
    run.setImmediateExit(true);
  }

  public KvmRegs regs() throws LinuxException {
    KvmRegs regs = new KvmRegs();
    call(KvmIoctl.GET_REGS, regs.memory());
    return regs;
  }

  public void setRegs(KvmRegs regs) throws LinuxException {
    call(KvmIoctl.SET_REGS, regs.memory());
  }

  public KvmSregs sregs() throws LinuxException {
    KvmSregs sregs = new KvmSregs();
    call(KvmIoctl.GET_SREGS, sregs.memory());
    return sregs;
  }

  public void setSregs(KvmSregs sregs) throws LinuxException {
    call(KvmIoctl.SET_SREGS, sregs.memory());
  }

  public KvmFpu fpu() throws LinuxException {
    KvmFpu fpu = new KvmFpu();
    call(KvmIoctl.GET_FPU, fpu.memory());
    return fpu;
  }

  public void setFpu(KvmFpu fpu) throws LinuxException {
    call(KvmIoctl.SET_FPU, fpu.memory());
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
    call(KvmIoctl.GET_VCPU_EVENTS, events.memory());
    return events;
  }

  public void setEvents(KvmVcpuEvents events) throws LinuxException {
    call(KvmIoctl.SET_VCPU_EVENTS, events.memory());
  }

  public void setCpuid(Cpuid cpuid) throws LinuxException {
    call(KvmIoctl.SET_CPUID2, cpuid.encode());
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
   * KVM_TRANSLATE: the guest-physical address behind a linear one in the current mode, or -1 where
   * nothing is mapped.
   */
  public long translate(long linearAddress) throws LinuxException {
    NativeMemory translation = new NativeMemory(24);
    translation.buffer().putLong(0, linearAddress);
    call(KvmIoctl.TRANSLATE, translation);
    return translation.buffer().get(16) != 0 ? translation.buffer().getLong(8) : -1;
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
