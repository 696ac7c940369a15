// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

import io.jkvm.core.bus.BusDevice;

/** A device on a {@link PciBus}: configuration space, and what its base addresses lead to. */
public interface PciFunction {
  /** A short name for messages. */
  String name();

  /** The registers that the bus looks at; accessed with the bus's lock held. */
  PciConfigSpace configSpace();

  /**
   * The guest reads configuration space; the bus's lock is held.
   *
   * @param offset 0 to 255; the access ends within the same aligned 4 bytes
   * @param size 1, 2 or 4 bytes
   */
  default long readConfig(int offset, int size) {
    return configSpace().read(offset, size);
  }

  /** The guest writes configuration space; the bus's lock is held. */
  default void writeConfig(int offset, int size, long value) {
    configSpace().write(offset, size, value);
  }

  /**
   * What answers at a base address register's range. Called by vCPU threads without the bus's lock.
   *
   * @param bar a register that the configuration space has
   */
  default BusDevice bar(int bar) {
    throw new IllegalArgumentException(name() + " has no base address register " + bar);
  }

  /** The range of a base address register appeared at this address; the bus's lock is held. */
  default void barMapped(int bar, long address) {}

  /** The range of a base address register is about to leave this address. */
  default void barUnmapped(int bar, long address) {}
}
