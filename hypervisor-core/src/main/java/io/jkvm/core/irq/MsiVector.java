// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.irq;

/**
 * A message-signalled interrupt of a device (PCI Local Bus 3.0, section 6.8): a write of {@code
 * data} to {@code address} that a local APIC takes (Intel SDM vol. 3, section 11.11).
 */
public interface MsiVector {
  /**
   * Sets what {@link #signal} sends. An address that is no local APIC's makes signals go nowhere.
   *
   * @param address any value a guest may have written
   * @param data any value a guest may have written
   */
  void setMessage(long address, int data);

  /** Sends the message. May be called by any thread; neither blocks nor allocates. */
  void signal();
}
