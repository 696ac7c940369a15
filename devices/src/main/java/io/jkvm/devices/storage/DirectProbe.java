// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.FileDataIo;
import io.jkvm.core.linux.files.Statx;
import io.jkvm.devices.storage.DiskException.Kind;
import java.lang.ref.Reference;
import java.util.List;

/**
 * Finds out what direct I/O on an open file demands: of statx (STATX_DIOALIGN), which answers from
 * Linux 6.1 on and on file systems that know; else of the block device that the disk is; else by
 * trying, where the file has data: a hole is read with any alignment. What is found is tried with a
 * read in any case, since some file systems open a file with O_DIRECT and then refuse to read it.
 */
final class DirectProbe {
  private static final DirectAlignment SECTORS = new DirectAlignment(512, 512);

  /** What any medium takes that there is. */
  private static final DirectAlignment PAGES = new DirectAlignment(4096, 4096);

  private final String name;
  private final Fd fd;
  private final boolean blockDevice;

  /** Where the reads go that try. */
  private long dataOffset;

  private DirectProbe(String name, Fd fd, boolean blockDevice) {
    this.name = name;
    this.fd = fd;
    this.blockDevice = blockDevice;
  }

  /**
   * What a file demands.
   *
   * @param name of the disk
   * @param fd open with O_DIRECT
   * @throws DiskException if it can't be used with direct I/O
   */
  static DirectAlignment find(String name, Fd fd, boolean blockDevice) throws DiskException {
    return new DirectProbe(name, fd, blockDevice).find();
  }

  /** What a file says that can't even be opened so. */
  static DiskException refusal(String name, boolean blockDevice) {
    return new DiskException(
        name,
        Kind.NO_DIRECT_IO,
        (blockDevice ? "the device" : "its file system") + " has no direct I/O (O_DIRECT)");
  }

  private DirectAlignment find() throws DiskException {
    for (DirectAlignment one : candidates()) {
      if (one.isSupported() && canRead(one)) {
        return one;
      }
    }
    throw refusal(name, blockDevice);
  }

  private List<DirectAlignment> candidates() throws DiskException {
    Statx stat = new Statx();
    int result = stat.read(fd.value(), 0, Statx.STATX_DIOALIGN);
    if (result == 0 && (stat.mask() & Statx.STATX_DIOALIGN) != 0) {
      return List.of(said(stat.directMemoryAlignment(), stat.directOffsetAlignment()));
    }
    if (!blockDevice) {
      long data = FileDataIo.seek(fd.value(), 0, FileDataIo.SEEK_DATA);
      dataOffset = Math.max(0, data) & -PAGES.blockBytes();
      return data == -Errno.ENXIO ? List.of(PAGES) : List.of(SECTORS, PAGES);
    }
    try {
      int block = FileIo.logicalBlockBytes(fd);
      return List.of(said(block, block));
    } catch (LinuxException e) {
      throw new DiskException(
          name,
          Kind.SIZE_UNKNOWN,
          "size unknown (" + e.call() + ": " + Errno.name(e.errno()) + ")");
    }
  }

  private DirectAlignment said(int memoryBytes, int blockBytes) throws DiskException {
    int most = DirectAlignment.MAX_BYTES;
    if (memoryBytes > most || blockBytes > most) {
      throw new DiskException(
          name,
          Kind.NO_DIRECT_IO,
          "direct I/O (O_DIRECT) is in blocks of "
              + Math.max(memoryBytes, blockBytes)
              + " bytes there; up to "
              + most
              + " are supported");
    }
    return new DirectAlignment(memoryBytes, blockBytes);
  }

  /** With memory that is aligned no better. What a read says otherwise the guest will be told. */
  private boolean canRead(DirectAlignment alignment) {
    int memory = alignment.memoryBytes();
    NativeMemory target = NativeMemory.aligned(memory + alignment.blockBytes(), 2 * memory);
    long result = FileIo.pread(fd, target.address() + memory, alignment.blockBytes(), dataOffset);
    Reference.reachabilityFence(target);
    return result != -Errno.EINVAL;
  }
}
