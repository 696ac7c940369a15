// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.bus;

import io.jkvm.core.linux.EventFd;

/**
 * Device registers whose writes can signal an eventfd without an exit. Only a short cut: a device
 * has to take the same writes from the bus, since a doorbell may be refused.
 */
public interface Doorbells {
  /**
   * From now on a write that the doorbell is for signals the eventfd.
   *
   * @return false if the host has no room for more or the place is taken
   */
  boolean attach(EventFd eventFd, Doorbell doorbell);

  /** Ends what {@link #attach} began; writes reach the bus again. */
  void detach(EventFd eventFd, Doorbell doorbell);
}
