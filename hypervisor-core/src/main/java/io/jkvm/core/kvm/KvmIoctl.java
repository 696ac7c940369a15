// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import io.jkvm.core.kvm.state.KvmLapic;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmVcpuEvents;
import io.jkvm.core.kvm.state.KvmXcrs;
import io.jkvm.core.kvm.state.KvmXsave;
import io.jkvm.core.linux.Ioctl;
import io.jkvm.core.linux.LinuxException;

/** The KVM ioctls in use (include/uapi/linux/kvm.h), by the kernel's names less their prefix. */
enum KvmIoctl {
  GET_API_VERSION(Ioctl.io(KvmIoctl.KVMIO, 0x00)),
  CREATE_VM(Ioctl.io(KvmIoctl.KVMIO, 0x01)),
  CHECK_EXTENSION(Ioctl.io(KvmIoctl.KVMIO, 0x03)),
  GET_VCPU_MMAP_SIZE(Ioctl.io(KvmIoctl.KVMIO, 0x04)),
  GET_SUPPORTED_CPUID(Ioctl.iowr(KvmIoctl.KVMIO, 0x05, 8)),
  CREATE_VCPU(Ioctl.io(KvmIoctl.KVMIO, 0x41)),
  SET_USER_MEMORY_REGION(Ioctl.iow(KvmIoctl.KVMIO, 0x46, 32)),
  SET_TSS_ADDR(Ioctl.io(KvmIoctl.KVMIO, 0x47)),
  SET_IDENTITY_MAP_ADDR(Ioctl.iow(KvmIoctl.KVMIO, 0x48, 8)),
  CREATE_IRQCHIP(Ioctl.io(KvmIoctl.KVMIO, 0x60)),
  IRQ_LINE(Ioctl.iow(KvmIoctl.KVMIO, 0x61, 8)),
  SET_GSI_ROUTING(Ioctl.iow(KvmIoctl.KVMIO, 0x6a, 8)),
  IRQFD(Ioctl.iow(KvmIoctl.KVMIO, 0x76, 32)),
  CREATE_PIT2(Ioctl.iow(KvmIoctl.KVMIO, 0x77, 64)),
  IOEVENTFD(Ioctl.iow(KvmIoctl.KVMIO, 0x79, 64)),
  SET_CLOCK(Ioctl.iow(KvmIoctl.KVMIO, 0x7b, 48)),
  GET_CLOCK(Ioctl.ior(KvmIoctl.KVMIO, 0x7c, 48)),
  RUN(Ioctl.io(KvmIoctl.KVMIO, 0x80)),
  GET_REGS(Ioctl.ior(KvmIoctl.KVMIO, 0x81, KvmRegs.SIZE)),
  SET_REGS(Ioctl.iow(KvmIoctl.KVMIO, 0x82, KvmRegs.SIZE)),
  GET_SREGS(Ioctl.ior(KvmIoctl.KVMIO, 0x83, KvmSregs.SIZE)),
  SET_SREGS(Ioctl.iow(KvmIoctl.KVMIO, 0x84, KvmSregs.SIZE)),
  TRANSLATE(Ioctl.iowr(KvmIoctl.KVMIO, 0x85, 24)),
  GET_MSRS(Ioctl.iowr(KvmIoctl.KVMIO, 0x88, 8)),
  SET_MSRS(Ioctl.iow(KvmIoctl.KVMIO, 0x89, 8)),
  GET_LAPIC(Ioctl.ior(KvmIoctl.KVMIO, 0x8e, KvmLapic.SIZE)),
  SET_LAPIC(Ioctl.iow(KvmIoctl.KVMIO, 0x8f, KvmLapic.SIZE)),
  SET_CPUID2(Ioctl.iow(KvmIoctl.KVMIO, 0x90, 8)),
  GET_MP_STATE(Ioctl.ior(KvmIoctl.KVMIO, 0x98, 4)),
  GET_VCPU_EVENTS(Ioctl.ior(KvmIoctl.KVMIO, 0x9f, KvmVcpuEvents.SIZE)),
  SET_VCPU_EVENTS(Ioctl.iow(KvmIoctl.KVMIO, 0xa0, KvmVcpuEvents.SIZE)),
  ENABLE_CAP(Ioctl.iow(KvmIoctl.KVMIO, 0xa3, 104)),
  GET_XSAVE(Ioctl.ior(KvmIoctl.KVMIO, 0xa4, KvmXsave.SIZE)),
  SET_XSAVE(Ioctl.iow(KvmIoctl.KVMIO, 0xa5, KvmXsave.SIZE)),
  GET_XCRS(Ioctl.ior(KvmIoctl.KVMIO, 0xa6, KvmXcrs.SIZE)),
  SET_XCRS(Ioctl.iow(KvmIoctl.KVMIO, 0xa7, KvmXcrs.SIZE)),
  KVMCLOCK_CTRL(Ioctl.io(KvmIoctl.KVMIO, 0xad));

  private static final int KVMIO = 0xae;

  private final long number;

  KvmIoctl(long number) {
    this.number = number;
  }

  long number() {
    return number;
  }

  /** Calls the ioctl; a failure throws with the ioctl's name. */
  int call(int fd, long argument) throws LinuxException {
    int result = Ioctl.call(fd, number, argument);
    if (result < 0) {
      throw new LinuxException("KVM_" + name(), -result);
    }
    return result;
  }
}
