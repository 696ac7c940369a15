// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.boot.BootException.Kind;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.charset.StandardCharsets;

/**
 * Puts the kernel's command line into guest memory (Linux boot protocol, "The Kernel Command
 * Line").
 */
final class CommandLine {
  private CommandLine() {}

  /**
   * Writes the text as UTF-8 with a NUL at {@link X86Layout#COMMAND_LINE}.
   *
   * @param limitBytes what the kernel takes at most, without the NUL
   * @throws BootException if the text is too long or has a NUL in it
   */
  static void write(GuestMemory memory, String text, long limitBytes)
      throws BootException, GuestFault {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    long room = X86Layout.COMMAND_LINE_END - X86Layout.COMMAND_LINE - 1;
    long limit = Math.min(limitBytes, room);
    if (bytes.length > limit) {
      throw new BootException(
          Kind.COMMAND_LINE_TOO_LONG,
          "the kernel command line has "
              + bytes.length
              + " bytes, but this kernel takes "
              + limit
              + " at most");
    }
    if (text.indexOf('\0') >= 0) {
      throw new BootException(
          Kind.COMMAND_LINE_HAS_NUL, "the kernel command line has a NUL character in it");
    }
    memory.write(X86Layout.COMMAND_LINE, bytes, 0, bytes.length);
    memory.writeU8(X86Layout.COMMAND_LINE + bytes.length, 0);
  }
}
