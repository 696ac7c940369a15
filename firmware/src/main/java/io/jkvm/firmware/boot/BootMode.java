// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

/** How a kernel is started. */
public enum BootMode {
  /** Unpack the kernel on the host and enter it at its 64-bit entry. */
  DIRECT,
  /** Enter the bzImage at its own 64-bit entry; the guest unpacks itself. */
  BZIMAGE,
  /** Start at the reset vector in the mini BIOS, which jumps into the kernel's real-mode setup. */
  BIOS,
  /** Unpack the kernel on the host and enter it at its 32-bit PVH entry. */
  PVH
}
