// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.irq;

/**
 * A device's interrupt line into the interrupt controllers. May be called by any thread, with the
 * device's own lock held.
 */
@FunctionalInterface
public interface IrqLine {
  /** Drives the line: true is asserted. Repeating a level is harmless. */
  void setLevel(boolean asserted);
}
