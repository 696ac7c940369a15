// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

/** How the kernel is entered. */
public enum BootWay {
  /** Unpacked by the host and entered at its 64-bit entry. */
  DIRECT,
  /** The bzImage is entered at its own 64-bit entry and unpacks itself. */
  BZIMAGE,
  /** From the reset vector in real mode, through a small BIOS and the kernel's setup code. */
  BIOS,
  /** Unpacked by the host and entered at its 32-bit PVH entry. */
  PVH
}
