// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes a cpio archive in the form that Linux unpacks ("newc", its initramfs buffer format). */
final class CpioArchive {
  private static final int REGULAR_FILE = 0100644;

  private CpioArchive() {}

  /** An archive with one file at the top. */
  static byte[] of(String name, String text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    member(out, name, REGULAR_FILE, text.getBytes(StandardCharsets.UTF_8));
    member(out, "TRAILER!!!", 0, new byte[0]);
    return out.toByteArray();
  }

  private static void member(ByteArrayOutputStream out, String name, int mode, byte[] content) {
    byte[] path = (name + '\0').getBytes(StandardCharsets.UTF_8);
    // ino, mode, uid, gid, nlink, mtime, filesize, two device numbers, namesize, check
    int[] fields = {1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length, 0};
    StringBuilder header = new StringBuilder("070701");
    for (int field : fields) {
      header.append(String.format("%08X", field));
    }
    out.writeBytes(header.toString().getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(path);
    pad(out);
    out.writeBytes(content);
    pad(out);
  }

  private static void pad(ByteArrayOutputStream out) {
    out.writeBytes(new byte[-out.size() & 3]);
  }
}
