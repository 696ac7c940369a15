// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.bus;

import io.jkvm.core.linux.EventFd;

/**
 * Device registers whose writes can signal an eventfd without an exit. Only a short cut: a device
 * has to take the same writes from the bus, since a doorbell may be refused.
 */
public interface Doorbells {
  /**
   * From now on a write of any size and value at exactly this guest-physical address signals the
   * eventfd.
   *
   * @return false if the host has no room for more or the address is taken
   */
  boolean attach(EventFd eventFd, long guestPhysicalAddress);

  /** Ends what {@link #attach} began; writes reach the bus again. */
  void detach(EventFd eventFd, long guestPhysicalAddress);
}
