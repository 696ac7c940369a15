// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.OptionalLong;

/** What an ELF's notes say of the file (ELF specification, "Note Section"). */
final class ElfNotes {
  private static final int PT_NOTE = 4;
  private static final int XEN = 0x006E6558;
  private static final int XEN_ELFNOTE_PHYS32_ENTRY = 18;
  private static final int GNU = 0x00554E47;
  private static final int NT_GNU_ABI_TAG = 1;
  private static final int NAME_BYTES = 4;
  private static final int HEADER_BYTES = 12;
  private static final int MAX_NOTES_BYTES = 1 << 20;

  private final KernelBytes source;
  private final ByteBuffer programHeaders;

  /** Those of a file. A damaged note is no note: nothing else depends on it. */
  ElfNotes(KernelBytes source, ByteBuffer programHeaders) {
    this.source = source;
    this.programHeaders = programHeaders;
  }

  /** The 32-bit PVH entry of a kernel for Xen, a guest-physical address. */
  OptionalLong pvhEntry() throws IOException {
    return find(XEN, XEN_ELFNOTE_PHYS32_ENTRY);
  }

  /** Whether it names the operating system that it needs, as glibc has every program do. */
  boolean isProgram() throws IOException {
    return find(GNU, NT_GNU_ABI_TAG).isPresent();
  }

  /** The first 32 bits of a note. */
  private OptionalLong find(int name, int type) throws IOException {
    for (int at = 0; at < programHeaders.limit(); at += ElfParser.PROGRAM_HEADER_BYTES) {
      long offset = programHeaders.getLong(at + 8);
      long length = programHeaders.getLong(at + 32);
      if (programHeaders.getInt(at) == PT_NOTE
          && length > 0
          && length <= MAX_NOTES_BYTES
          && offset >= 0
          && offset <= source.size() - length) {
        OptionalLong value = search(source.bytes(offset, (int) length), name, type);
        if (value.isPresent()) {
          return value;
        }
      }
    }
    return OptionalLong.empty();
  }

  private static OptionalLong search(ByteBuffer notes, int name, int type) {
    while (notes.remaining() >= HEADER_BYTES) {
      long nameBytes = notes.getInt() & 0xFFFFFFFFL;
      long valueBytes = notes.getInt() & 0xFFFFFFFFL;
      int noteType = notes.getInt();
      long padded = aligned(nameBytes) + aligned(valueBytes);
      if (padded > notes.remaining()) {
        break;
      }
      int start = notes.position();
      int value = start + (int) aligned(nameBytes);
      if (noteType == type
          && nameBytes == NAME_BYTES
          && notes.getInt(start) == name
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
