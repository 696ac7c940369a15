// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import io.jkvm.core.bus.Doorbells;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;

/** KVM_IOEVENTFD without length and value; may be used by any thread while vCPUs run. */
final class KvmDoorbells implements Doorbells {
  private static final int KVM_IOEVENTFD_FLAG_DEASSIGN = 4;

  private final int vmFd;
  private final NativeMemory ioeventfd = new NativeMemory(64);

  KvmDoorbells(int vmFd) {
    this.vmFd = vmFd;
  }

  @Override
  public boolean attach(EventFd eventFd, long guestPhysicalAddress) {
    return call(eventFd, guestPhysicalAddress, 0);
  }

  @Override
  public void detach(EventFd eventFd, long guestPhysicalAddress) {
    call(eventFd, guestPhysicalAddress, KVM_IOEVENTFD_FLAG_DEASSIGN);
  }

  private synchronized boolean call(EventFd eventFd, long guestPhysicalAddress, int flags) {
    ioeventfd
        .buffer()
        .putLong(0, 0)
        .putLong(8, guestPhysicalAddress)
        .putInt(16, 0) // any length
        .putInt(20, eventFd.fd().value())
        .putInt(24, flags);
    try {
      KvmIoctl.IOEVENTFD.call(vmFd, ioeventfd.address());
      return true;
    } catch (LinuxException e) {
      return false;
    }
  }
}
