// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.irq;

/**
 * A device's edge-triggered interrupt. May be raised by any thread; neither blocks nor allocates.
 */
@FunctionalInterface
public interface EdgeIrq {
  /** One interrupt. */
  void raise();
}
