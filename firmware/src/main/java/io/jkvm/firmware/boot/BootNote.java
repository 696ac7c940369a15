// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

/** Why a kernel is not booted in the way that was asked for. */
public enum BootNote {
  /** {@link BootMode#BZIMAGE} in place of {@link BootMode#DIRECT}. */
  PAYLOAD_UNKNOWN("the kernel is packed in a way not known here, it unpacks itself"),
  /** {@link BootMode#BIOS} in place of a way that needs a 64-bit entry. */
  NO_64_BIT_ENTRY("the kernel has no 64-bit entry, it is started as a BIOS does"),
  /** {@link BootMode#PVH} in place of {@link BootMode#DIRECT}. */
  PVH_ENTRY_ONLY("the kernel has no 64-bit entry, it is entered at its PVH entry");

  private final String fact;

  BootNote(String fact) {
    this.fact = fact;
  }

  /** The reason as one line. */
  @Override
  public String toString() {
    return fact;
  }
}
