// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import io.jkvm.core.bus.Doorbell;
import io.jkvm.core.bus.Doorbells;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;

/** KVM_IOEVENTFD; may be used by any thread while vCPUs run. */
final class KvmDoorbells implements Doorbells {
  private static final int KVM_IOEVENTFD_FLAG_DATAMATCH = 1;
  private static final int KVM_IOEVENTFD_FLAG_DEASSIGN = 4;

  private final int vmFd;
  private final NativeMemory ioeventfd = new NativeMemory(64);

  KvmDoorbells(int vmFd) {
    this.vmFd = vmFd;
  }

  @Override
  public boolean attach(EventFd eventFd, Doorbell doorbell) {
    return call(eventFd, doorbell, 0);
  }

  @Override
  public void detach(EventFd eventFd, Doorbell doorbell) {
    call(eventFd, doorbell, KVM_IOEVENTFD_FLAG_DEASSIGN);
  }

  private synchronized boolean call(EventFd eventFd, Doorbell doorbell, int flags) {
    boolean match = doorbell.value().isPresent();
    ioeventfd
        .buffer()
        .putLong(0, Integer.toUnsignedLong(doorbell.value().orElse(0)))
        .putLong(8, doorbell.guestPhysicalAddress())
        .putInt(16, match ? 4 : 0) // 0 is any length
        .putInt(20, eventFd.fd().value())
        .putInt(24, flags | (match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0));
    try {
      KvmIoctl.IOEVENTFD.call(vmFd, ioeventfd.address());
      return true;
    } catch (LinuxException e) {
      return false;
    }
  }
}
