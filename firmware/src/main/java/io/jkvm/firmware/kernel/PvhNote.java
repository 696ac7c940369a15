// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.OptionalLong;

/** Finds a kernel's PVH entry: the Xen ELF note XEN_ELFNOTE_PHYS32_ENTRY. */
final class PvhNote {
  private static final int PT_NOTE = 4;
  private static final int PHYS32_ENTRY = 18;
  private static final int XEN_NAME_BYTES = 4;
  private static final int XEN_NAME = 0x006E6558;
  private static final int HEADER_BYTES = 12;
  private static final int MAX_NOTES_BYTES = 1 << 20;

  private PvhNote() {}

  /** A damaged note is no note: nothing else depends on it. */
  static OptionalLong find(KernelBytes source, ByteBuffer programHeaders) throws IOException {
    for (int at = 0; at < programHeaders.limit(); at += ElfParser.PROGRAM_HEADER_BYTES) {
      long offset = programHeaders.getLong(at + 8);
      long length = programHeaders.getLong(at + 32);
      if (programHeaders.getInt(at) == PT_NOTE
          && length > 0
          && length <= MAX_NOTES_BYTES
          && offset >= 0
          && offset <= source.size() - length) {
        OptionalLong entry = search(source.bytes(offset, (int) length));
        if (entry.isPresent()) {
          return entry;
        }
      }
    }
    return OptionalLong.empty();
  }

  private static OptionalLong search(ByteBuffer notes) {
    while (notes.remaining() >= HEADER_BYTES) {
      long nameBytes = notes.getInt() & 0xFFFFFFFFL;
      long valueBytes = notes.getInt() & 0xFFFFFFFFL;
      int type = notes.getInt();
      long padded = aligned(nameBytes) + aligned(valueBytes);
      if (padded > notes.remaining()) {
        break;
      }
      int start = notes.position();
      int value = start + (int) aligned(nameBytes);
      if (type == PHYS32_ENTRY
          && nameBytes == XEN_NAME_BYTES
          && notes.getInt(start) == XEN_NAME
          && valueBytes >= 4) {
        return OptionalLong.of(notes.getInt(value) & 0xFFFFFFFFL);
      }
      notes.position(start + (int) padded);
    }
    return OptionalLong.empty();
  }

  private static long aligned(long length) {
    return (length + 3) & ~3L;
  }
}
