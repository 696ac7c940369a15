// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

/**
 * Which ISA interrupt each virtio-mmio device gets: those that neither a PC device of ours nor ACPI
 * (9) has.
 */
final class VirtioIrqs {
  private static final int[] FREE = {5, 10, 11, 6, 7, 14, 15, 3, 12};

  private VirtioIrqs() {}

  /**
   * The interrupt of the n-th device. Beyond nine devices they share: drivers look at their own
   * InterruptStatus, so an edge that was another's costs a register read only.
   */
  static int forDevice(int index) {
    return FREE[index % FREE.length];
  }
}
