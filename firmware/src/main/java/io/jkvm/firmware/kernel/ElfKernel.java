// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.kernel.KernelFormatException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/**
 * An uncompressed Linux kernel: an x86-64 ELF executable (vmlinux), from a file or from a bzImage's
 * payload. Immutable.
 *
 * <p>A relocatable kernel's payload has a table of relocations after the ELF; they serve address
 * space randomisation only and are not applied, as the kernel is loaded where it was linked.
 */
public final class ElfKernel implements KernelImage {
  private final Path path;
  private final KernelBytes source;
  private final List<ElfSegment> segments;
  private final OptionalLong entryAddress;
  private final OptionalLong pvhEntryAddress;

  private ElfKernel(
      Path path,
      KernelBytes source,
      List<ElfSegment> segments,
      OptionalLong entryAddress,
      OptionalLong pvhEntryAddress) {
    this.path = path;
    this.source = source;
    this.segments = List.copyOf(segments);
    this.entryAddress = entryAddress;
    this.pvhEntryAddress = pvhEntryAddress;
  }

  static ElfKernel parse(Path path, KernelBytes source) throws KernelFormatException {
    try {
      ElfParser parser = new ElfParser(path, source);
      ByteBuffer programHeaders = parser.programHeaders();
      List<ElfSegment> segments = parser.loadSegments(programHeaders);
      ElfNotes notes = new ElfNotes(source, programHeaders);
      OptionalLong pvhEntry = notes.pvhEntry();
      if (pvhEntry.isPresent() && !contains(segments, pvhEntry.getAsLong())) {
        pvhEntry = OptionalLong.empty();
      }
      if (pvhEntry.isEmpty() && (ElfParser.hasInterpreter(programHeaders) || notes.isProgram())) {
        throw new KernelFormatException(path, Kind.USER_PROGRAM, "is a program, not a kernel");
      }
      OptionalLong entry = parser.entryAddress(segments, pvhEntry);
      return new ElfKernel(path, source, segments, entry, pvhEntry);
    } catch (KernelFormatException e) {
      throw e;
    } catch (IOException e) {
      throw KernelFormatException.unreadable(path, e);
    }
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public <T> T accept(Visitor<T> visitor) throws IOException {
    return visitor.elf(this);
  }

  /** What to load, by rising guest-physical address, without overlap; at least one. */
  public List<ElfSegment> segments() {
    return segments;
  }

  /**
   * The guest-physical address of the 64-bit entry, inside a segment. Empty for a kernel that has
   * none, which then has a {@link #pvhEntryAddress}.
   */
  public OptionalLong entryAddress() {
    return entryAddress;
  }

  /**
   * The guest-physical address of the 32-bit PVH entry, inside a segment, if the kernel has the Xen
   * note for it.
   */
  public OptionalLong pvhEntryAddress() {
    return pvhEntryAddress;
  }

  /**
   * Reads a piece of a segment as it is before the kernel runs.
   *
   * @param segment one of {@link #segments}
   * @param offset in the segment
   * @param length at most the segment's {@link ElfSegment#fileBytes} less the offset
   */
  public byte[] read(ElfSegment segment, long offset, int length) throws KernelFormatException {
    if (offset < 0 || length < 0 || offset > segment.fileBytes() - length) {
      throw new IllegalArgumentException(length + " bytes at " + offset + " of " + segment);
    }
    byte[] piece = new byte[length];
    try {
      source.read(segment.fileOffset() + offset, ByteBuffer.wrap(piece));
    } catch (IOException e) {
      throw KernelFormatException.unreadable(path, e);
    }
    return piece;
  }

  /** The lowest guest-physical address that the kernel occupies. */
  public long startAddress() {
    return segments.get(0).physicalAddress();
  }

  /** The first guest-physical address after the kernel with its zeroed memory. */
  public long endAddress() {
    return segments.get(segments.size() - 1).endAddress();
  }

  /**
   * Loads every segment into guest RAM. The part of a segment that the file does not have must be
   * zero: it is left alone, as the RAM of a new machine is, so that its pages cost no host memory.
   *
   * @param memory fresh RAM
   * @throws GuestFault if a segment is not wholly inside RAM
   */
  public void load(GuestMemory memory) throws KernelFormatException, GuestFault {
    try {
      for (ElfSegment segment : segments) {
        memory.checkRange(segment.physicalAddress(), segment.memoryBytes());
        if (segment.fileBytes() > 0) {
          GuestLoader.load(
              source, segment.fileOffset(), memory, segment.physicalAddress(), segment.fileBytes());
        }
      }
    } catch (IOException e) {
      throw KernelFormatException.unreadable(path, e);
    }
  }

  private static boolean contains(List<ElfSegment> segments, long address) {
    return segments.stream().anyMatch(segment -> segment.containsPhysical(address));
  }
}
