// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.irq;

import io.jkvm.core.linux.LinuxException;

/** Where devices get their {@link MsiVector}s. */
@FunctionalInterface
public interface MsiVectors {
  /**
   * A new vector, without a message.
   *
   * @throws LinuxException if the host has no more eventfds or KVM no more interrupt routes
   */
  MsiVector allocate() throws LinuxException;
}
