// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import io.jkvm.firmware.kernel.KernelFormatException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;

/** Reads and checks an ELF's headers (ELF-64 object file format, version 1.5; x86-64 psABI). */
final class ElfParser {
  static final int PROGRAM_HEADER_BYTES = 56;

  private static final int HEADER_BYTES = 64;
  private static final int MAX_PROGRAM_HEADERS = 1024;

  /** No RAM lies above this; keeps sums of addresses and lengths positive. */
  private static final long ADDRESS_LIMIT = 1L << 52;

  private static final int PT_LOAD = 1;
  private static final int PT_INTERP = 3;
  private static final int ET_EXEC = 2;
  private static final int ET_DYN = 3;
  private static final int EM_X86_64 = 62;

  private final Path path;
  private final KernelBytes source;
  private final ByteBuffer header;

  ElfParser(Path path, KernelBytes source) throws IOException {
    this.path = path;
    this.source = source;
    if (source.size() < HEADER_BYTES) {
      throw bad(Kind.TRUNCATED, "is a truncated ELF (" + source.size() + " bytes)");
    }
    header = source.bytes(0, HEADER_BYTES);
    if (header.getInt(0) != 0x464C457F) {
      throw bad(Kind.DAMAGED, "has a payload that is no ELF");
    }
    boolean bigEndian = header.get(5) == 2;
    int machine = u16(bigEndian ? header.duplicate().order(ByteOrder.BIG_ENDIAN) : header, 18);
    if (bigEndian || machine != EM_X86_64) {
      String word = header.get(4) == 1 ? "32-bit " : "";
      throw bad(Kind.OTHER_ARCHITECTURE, "is an ELF for " + word + machineName(machine));
    }
    if (header.get(4) != 2) {
      throw bad(Kind.NOT_64_BIT, "is a 32-bit ELF");
    }
    int type = u16(header, 16);
    if (type != ET_EXEC && type != ET_DYN) {
      throw bad(
          Kind.NOT_EXECUTABLE,
          "is an ELF, but no executable (type " + type + ", an object file, module or core dump)");
    }
  }

  private static String machineName(int machine) {
    return switch (machine) {
      case 3 -> "x86 (i386)";
      case 2 -> "SPARC";
      case 4 -> "m68k";
      case 8 -> "MIPS";
      case 15 -> "PA-RISC";
      case 20 -> "PowerPC";
      case 21 -> "PowerPC64";
      case 22 -> "s390";
      case 40 -> "ARM";
      case 42 -> "SuperH";
      case 43 -> "SPARC64";
      case 50 -> "Itanium";
      case 183 -> "ARM64";
      case 243 -> "RISC-V";
      case 258 -> "LoongArch";
      default -> "another machine (e_machine " + machine + ")";
    };
  }

  /** The whole table of program headers. */
  ByteBuffer programHeaders() throws IOException {
    long offset = header.getLong(32);
    int entryBytes = u16(header, 54);
    int count = u16(header, 56);
    if (entryBytes != PROGRAM_HEADER_BYTES || count == 0 || count > MAX_PROGRAM_HEADERS) {
      throw bad(
          Kind.DAMAGED,
          "is a damaged ELF (" + count + " program headers of " + entryBytes + " bytes)");
    }
    int length = count * PROGRAM_HEADER_BYTES;
    if (offset < 0 || offset > source.size() - length) {
      throw bad(
          Kind.TRUNCATED,
          "is a truncated ELF (program headers at "
              + Long.toUnsignedString(offset)
              + ", the file has "
              + source.size()
              + " bytes)");
    }
    return source.bytes(offset, length);
  }

  /** Whether a program of the host's is to load it. FreeBSD's kernel says so, too. */
  static boolean hasInterpreter(ByteBuffer table) {
    for (int at = 0; at < table.limit(); at += PROGRAM_HEADER_BYTES) {
      if (table.getInt(at) == PT_INTERP) {
        return true;
      }
    }
    return false;
  }

  /** The checked PT_LOAD segments by rising physical address. */
  List<ElfSegment> loadSegments(ByteBuffer table) throws KernelFormatException {
    List<ElfSegment> segments = new ArrayList<>();
    for (int at = 0; at < table.limit(); at += PROGRAM_HEADER_BYTES) {
      int type = table.getInt(at);
      ElfSegment segment =
          new ElfSegment(
              table.getLong(at + 8),
              table.getLong(at + 32),
              table.getLong(at + 24),
              table.getLong(at + 16),
              table.getLong(at + 40));
      if (type == PT_LOAD && segment.memoryBytes() != 0) {
        check(segment);
        segments.add(segment);
      }
    }
    if (segments.isEmpty()) {
      throw bad(Kind.NOTHING_TO_LOAD, "is an ELF with nothing to load");
    }
    Collections.sort(segments);
    for (int i = 1; i < segments.size(); i++) {
      if (segments.get(i).physicalAddress() < segments.get(i - 1).endAddress()) {
        throw bad(
            Kind.DAMAGED,
            String.format(
                "is a damaged ELF (segments overlap at 0x%x)", segments.get(i).physicalAddress()));
      }
    }
    return segments;
  }

  private void check(ElfSegment segment) throws KernelFormatException {
    long size = source.size();
    if (segment.fileOffset() < 0
        || segment.fileBytes() < 0
        || segment.fileOffset() > size
        || segment.fileBytes() > size - segment.fileOffset()) {
      throw bad(
          Kind.TRUNCATED,
          String.format(
              "is a truncated ELF (segment of 0x%x bytes at offset 0x%x, the file has 0x%x)",
              segment.fileBytes(), segment.fileOffset(), size));
    }
    long memory = segment.memoryBytes();
    long address = segment.physicalAddress();
    if (memory < segment.fileBytes()
        || memory > ADDRESS_LIMIT
        || address < 0
        || address > ADDRESS_LIMIT) {
      throw bad(
          Kind.DAMAGED,
          String.format(
              "is a damaged ELF (segment at 0x%x of 0x%x bytes, 0x%x in memory)",
              address, segment.fileBytes(), memory));
    }
  }

  /**
   * The 64-bit entry as a physical address. Linux's e_entry is one already; other kernels have a
   * virtual address there.
   *
   * @param pvhEntry where a kernel has it, only an e_entry that is a physical address other than
   *     this one is a 64-bit entry: any other is for a loader that maps the kernel first, or is
   *     32-bit code
   * @return empty if there is a PVH entry only
   */
  OptionalLong entryAddress(List<ElfSegment> segments, OptionalLong pvhEntry)
      throws KernelFormatException {
    long entry = header.getLong(24);
    if (pvhEntry.isPresent() && pvhEntry.getAsLong() == entry) {
      return OptionalLong.empty();
    }
    for (ElfSegment segment : segments) {
      if (segment.containsPhysical(entry)) {
        return OptionalLong.of(entry);
      }
    }
    if (pvhEntry.isPresent()) {
      return OptionalLong.empty();
    }
    for (ElfSegment segment : segments) {
      if (segment.containsVirtual(entry)) {
        return OptionalLong.of(entry - segment.virtualAddress() + segment.physicalAddress());
      }
    }
    throw bad(Kind.DAMAGED, String.format("is a damaged ELF (entry 0x%x is in no segment)", entry));
  }

  private static int u16(ByteBuffer buffer, int offset) {
    return buffer.getShort(offset) & 0xFFFF;
  }

  private KernelFormatException bad(Kind kind, String fact) {
    return new KernelFormatException(path, kind, fact);
  }
}
