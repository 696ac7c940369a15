// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.bios;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;

/**
 * What a guest reaches that jumps to F000:FFF0 in real mode, to have the BIOS restart the machine
 * (Linux with {@code reboot=bios}). A machine that starts again is a new one, so it asks for that.
 *
 * <p>The processor's own first instruction comes from the ROM below 4 GiB, where there is one.
 */
public final class RestartStub {
  /** mov al, 0xFE; out 0x64, al; hlt. No longer: the date of a PC's BIOS follows. */
  private static final byte[] CODE = {
    (byte) 0xB0,
    (byte) X86Layout.ACPI_RESET_VALUE,
    (byte) 0xE6,
    (byte) X86Layout.ACPI_RESET,
    (byte) 0xF4
  };

  private RestartStub() {}

  /** Writes it to {@link X86Layout#BIOS_RESTART}. */
  public static void write(GuestMemory memory) throws GuestFault {
    memory.write(X86Layout.BIOS_RESTART, CODE, 0, CODE.length);
  }
}
