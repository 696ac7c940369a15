// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * An initial RAM disk in guest memory.
 *
 * @param address its first byte, a multiple of 4096; 0 if there is none
 * @param size its length in bytes; 0 if there is none
 */
public record Initrd(long address, long size) {
  /** No initial RAM disk. */
  public static final Initrd NONE = new Initrd(0, 0);

  private static final long PAGE_BYTES = 4096;

  /** A {@link GuestMemory#slice} may not cross a multiple of this. */
  private static final long SLICE_LIMIT = 1L << 30;

  /**
   * Reads a file into RAM, as high as the kernel allows, below 4 GiB.
   *
   * @param file null for none
   * @param kernelEnd the first address that the kernel leaves free
   * @param addressMax the highest address that the kernel accepts for the last byte (unsigned)
   * @throws BootException if the file can't be read or does not fit
   */
  static Initrd load(GuestMemory memory, Path file, long kernelEnd, long addressMax)
      throws BootException, GuestFault {
    if (file == null) {
      return NONE;
    }
    if (Files.isDirectory(file)) {
      throw new BootException("initrd " + file + " is a directory: name a cpio archive");
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new BootException("initrd " + file + " is not a regular file: copy it to one");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size == 0) {
        throw new BootException("initrd " + file + " is empty: build it again, or leave it out");
      }
      Initrd placed = place(file, size, kernelEnd, MemoryMap.lowRamEnd(memory), addressMax);
      placed.read(memory, channel, file);
      return placed;
    } catch (NoSuchFileException e) {
      throw new BootException(
          "initrd " + file + " does not exist: check the name given to --initrd", e);
    } catch (AccessDeniedException e) {
      throw new BootException(
          "initrd " + file + " can't be read (permission denied): make it readable with chmod a+r",
          e);
    } catch (BootException e) {
      throw e;
    } catch (IOException e) {
      throw new BootException(
          "initrd " + file + " can't be read (" + e.getMessage() + "): check the file and its disk",
          e);
    }
  }

  /** Chooses the highest page-aligned place that holds the size; package-private for tests. */
  static Initrd place(Path file, long size, long kernelEnd, long lowRamEnd, long addressMax)
      throws BootException {
    long limit = addressMax >= 0 && addressMax < lowRamEnd ? addressMax + 1 : lowRamEnd;
    long lowest = (kernelEnd + PAGE_BYTES - 1) & -PAGE_BYTES;
    long address = (limit - size) & -PAGE_BYTES;
    if (size > limit || address < lowest) {
      String cause =
          limit < lowRamEnd ? "the kernel takes an initrd below that only" : "give more --mem";
      throw new BootException(
          "initrd "
              + file
              + " is too large: it has "
              + BootException.size(size)
              + ", but there are "
              + BootException.size(Math.max(0, limit - lowest))
              + " between the kernel and "
              + BootException.size(limit)
              + ": "
              + cause);
    }
    return new Initrd(address, size);
  }

  private void read(GuestMemory memory, FileChannel channel, Path file)
      throws IOException, GuestFault {
    for (long done = 0; done < size; ) {
      long at = address + done;
      int part = (int) Math.min(size - done, SLICE_LIMIT - at % SLICE_LIMIT);
      ByteBuffer target = memory.slice(at, part);
      while (target.hasRemaining()) {
        if (channel.read(target, done + target.position()) < 0) {
          throw new BootException(
              "initrd "
                  + file
                  + " shrank while it was read: wait until what writes it is done, and try again");
        }
      }
      done += part;
    }
  }
}
