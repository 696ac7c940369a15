// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.boot.BootException.Kind;
import io.jkvm.firmware.kernel.BootProtocol;
import io.jkvm.firmware.layout.X86Layout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * An initial RAM disk in guest memory.
 *
 * @param address its first byte, a multiple of 4096; 0 if there is none
 * @param size its length in bytes; 0 if there is none
 */
record Initrd(long address, long size) {
  /** No initial RAM disk. */
  static final Initrd NONE = new Initrd(0, 0);

  private static final long PAGE_BYTES = 4096;

  /** Where Linux looks for the next archive (its "initramfs buffer format"). */
  private static final long ARCHIVE_ALIGNMENT = 4;

  /** A {@link GuestMemory#slice} may not cross a multiple of this. */
  private static final long SLICE_LIMIT = 1L << 30;

  /** A file and where it begins in the initrd. */
  private record Part(Path file, long offset, long size) {}

  /**
   * Reads files into RAM, as high as the kernel allows, below 4 GiB. Each file begins at a multiple
   * of 4 bytes after the one before, with zeroes between them.
   *
   * @param memory fresh RAM, zero throughout
   * @param files none for no initrd
   * @param kernelEnd the first address that the kernel leaves free
   * @param addressMax the highest address that the kernel accepts for the last byte (unsigned)
   * @throws BootException if a file can't be read or they don't fit
   */
  static Initrd load(GuestMemory memory, List<Path> files, long kernelEnd, long addressMax)
      throws BootException, GuestFault {
    if (files.isEmpty()) {
      return NONE;
    }
    List<Part> parts = new ArrayList<>();
    long end = 0;
    for (Path file : files) {
      long offset = end + ARCHIVE_ALIGNMENT - 1 & -ARCHIVE_ALIGNMENT;
      long size = size(file);
      parts.add(new Part(file, offset, size));
      end =
          size > Long.MAX_VALUE - PAGE_BYTES - offset ? Long.MAX_VALUE - PAGE_BYTES : offset + size;
    }
    String names = files.stream().map(Path::toString).collect(Collectors.joining(" + "));
    Initrd placed = place(names, end, kernelEnd, X86Layout.lowRamEnd(memory), addressMax);
    for (Part part : parts) {
      read(memory, placed.address + part.offset, part);
    }
    return placed;
  }

  /** Chooses the highest page-aligned place that holds the size; package-private for tests. */
  static Initrd place(String names, long size, long kernelEnd, long lowRamEnd, long addressMax)
      throws BootException {
    long limit = addressMax >= 0 && addressMax < lowRamEnd ? addressMax + 1 : lowRamEnd;
    long lowest = (kernelEnd + PAGE_BYTES - 1) & -PAGE_BYTES;
    long address = (limit - size) & -PAGE_BYTES;
    if (size > limit || address < lowest) {
      boolean more = limit == lowRamEnd && lowRamEnd < X86Layout.LOW_RAM_LIMIT;
      String below =
          more ? "" : limit < lowRamEnd ? ", the kernel's limit" : ", where the device window is";
      throw new BootException(
          more ? Kind.MEMORY_TOO_SMALL : Kind.INITRD_TOO_LARGE,
          "initrd "
              + names
              + " is too large: it has "
              + BootException.size(size)
              + ", but there are "
              + BootException.size(Math.max(0, limit - lowest))
              + " between the kernel and "
              + BootException.size(limit)
              + below);
    }
    return new Initrd(address, size);
  }

  private static long size(Path file) throws BootException {
    if (Files.isDirectory(file)) {
      throw new BootException(Kind.INITRD_DIRECTORY, "initrd " + file + " is a directory");
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new BootException(Kind.INITRD_NOT_A_FILE, "initrd " + file + " is not a regular file");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size == 0) {
        throw new BootException(Kind.INITRD_EMPTY, "initrd " + file + " is empty");
      }
      String other = otherFormat(channel);
      if (!other.isEmpty()) {
        throw new BootException(Kind.INITRD_OTHER_FORMAT, "initrd " + file + " is " + other);
      }
      return size;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** What certainly is no initrd; Linux would say "junk", or nothing, and panic later. */
  private static String otherFormat(FileChannel channel) throws IOException {
    ByteBuffer head = ByteBuffer.allocate(BootProtocol.HEADER + Integer.BYTES);
    while (head.hasRemaining() && channel.read(head, head.position()) > 0) {
      continue; // short reads
    }
    if (head.order(ByteOrder.LITTLE_ENDIAN).getInt(BootProtocol.HEADER)
        == BootProtocol.HEADER_MAGIC) {
      return "a kernel (bzImage)";
    }
    return switch (head.order(ByteOrder.BIG_ENDIAN).getInt(0)) {
      case 0x7f454c46 -> "an ELF file, such as a kernel or a program";
      case 0x514649fb -> "a qcow2 image";
      case 0x4b444d56 -> "a VMDK image";
      case 0x504b0304 -> "a ZIP archive";
      default -> "";
    };
  }

  private static void read(GuestMemory memory, long address, Part part)
      throws BootException, GuestFault {
    try (FileChannel channel = FileChannel.open(part.file, StandardOpenOption.READ)) {
      for (long done = 0; done < part.size; ) {
        long at = address + done;
        int length = (int) Math.min(part.size - done, SLICE_LIMIT - at % SLICE_LIMIT);
        ByteBuffer target = memory.slice(at, length);
        while (target.hasRemaining()) {
          if (channel.read(target, done + target.position()) < 0) {
            throw new BootException(
                Kind.INITRD_SHRANK, "initrd " + part.file + " shrank while it was read");
          }
        }
        done += length;
      }
    } catch (IOException e) {
      throw unreadable(part.file, e);
    }
  }

  private static BootException unreadable(Path file, IOException cause) {
    if (cause instanceof BootException known) {
      return known;
    }
    if (cause instanceof NoSuchFileException) {
      return new BootException(Kind.INITRD_ABSENT, "initrd " + file + " does not exist", cause);
    }
    if (cause instanceof AccessDeniedException) {
      return new BootException(
          Kind.INITRD_FORBIDDEN, "initrd " + file + " can't be read (permission denied)", cause);
    }
    return new BootException(
        Kind.INITRD_UNREADABLE,
        "initrd "
            + file
            + " can't be read ("
            + (cause.getMessage() == null ? cause : cause.getMessage())
            + ")",
        cause);
  }
}
