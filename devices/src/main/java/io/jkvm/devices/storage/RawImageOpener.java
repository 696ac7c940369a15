// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.FileMode;
import io.jkvm.core.linux.files.Statx;
import io.jkvm.devices.storage.DiskException.Kind;
import java.nio.file.Path;
import java.util.Optional;

/** Finds out whether a path can be a disk, and locks it ({@link FileIo#tryLock}). */
final class RawImageOpener {
  private static final int SECTOR_BYTES = 512;
  private static final long LOCK_NANOSECONDS = 2_000_000_000L;
  private static final long LOCK_STEP_MILLISECONDS = 10;

  private final String name;
  private final Path path;
  private final boolean readOnly;
  private final boolean anyContent;
  private final DirectAlignment least;
  private final long start = System.nanoTime();

  private RawImageOpener(
      String name, Path path, boolean readOnly, boolean anyContent, DirectAlignment least) {
    this.name = name;
    this.path = path;
    this.readOnly = readOnly;
    this.anyContent = anyContent;
    this.least = least;
  }

  /**
   * Opens and locks an image.
   *
   * @param least what direct I/O keeps to, even if the file demands less; null for I/O through the
   *     page cache
   */
  static RawImage open(
      String name, Path path, boolean readOnly, boolean anyContent, DirectAlignment least)
      throws DiskException {
    return new RawImageOpener(name, path, readOnly, anyContent, least).open();
  }

  private RawImage open() throws DiskException {
    // What was looked at is what is opened, whatever gets its name meanwhile.
    try (Fd handle = handle()) {
      int mode = mode(handle);
      if (FileMode.isDirectory(mode)) {
        throw refused(Kind.DIRECTORY, "is a directory");
      }
      boolean blockDevice = (mode & FileMode.S_IFMT) == FileMode.S_IFBLK;
      if (!blockDevice && !FileMode.isRegular(mode)) {
        throw refused(Kind.NOT_A_DISK, "is neither a regular file nor a block device");
      }
      return open(handle, blockDevice);
    }
  }

  private RawImage open(Fd handle, boolean blockDevice) throws DiskException {
    Fd fd = openFile(handle, blockDevice);
    try {
      lock(fd);
      DirectAlignment alignment =
          least == null ? null : DirectProbe.find(name, fd, blockDevice).and(least);
      if (!anyContent) {
        checkFormat(fd, alignment);
      }
      RawImage image = blockDevice ? blockDevice(fd, alignment) : regularFile(fd, alignment);
      fd = null;
      return image;
    } finally {
      if (fd != null) {
        fd.close();
      }
    }
  }

  private void checkFormat(Fd fd, DirectAlignment alignment) throws DiskException {
    DirectAlignment demanded = alignment == null ? DirectAlignment.ANY : alignment;
    int bytes = Math.max(ImageFormat.HEAD_BYTES, demanded.blockBytes());
    NativeMemory head = demanded.newMemory(bytes);
    long count = FileIo.pread(fd, head.address(), bytes, 0);
    if (count <= 0) {
      return; // empty, or unreadable, which the guest will be told
    }
    Optional<ImageFormat> other = ImageFormat.of(head.buffer().slice(0, (int) count));
    if (other.isPresent()) {
      ImageFormat format = other.get();
      throw refused(format.kind(), "is " + format.description() + ", not a raw disk");
    }
  }

  private Fd handle() throws DiskException {
    try {
      return Fd.open(path.toString(), Fd.HANDLE);
    } catch (LinuxException e) {
      throw e.errno() == Errno.ENOENT
          ? refused(Kind.ABSENT, "no such file")
          : refused(Kind.UNREACHABLE, "can't be looked at (" + cause(e.errno()) + ")", e);
    }
  }

  private int mode(Fd handle) throws DiskException {
    Statx stat = new Statx();
    int result = stat.read(handle.value(), 0, Statx.STATX_TYPE);
    if (result < 0) {
      throw refused(Kind.UNREACHABLE, "can't be looked at (" + cause(-result) + ")");
    }
    return stat.mode();
  }

  private static String cause(int errno) {
    return Errno.name(errno) + ": " + Errno.message(errno);
  }

  private Fd openFile(Fd handle, boolean blockDevice) throws DiskException {
    // A file system that the host has mounted must not be written under it.
    int exclusive = blockDevice && !readOnly ? Fd.EXCLUSIVE : 0;
    int access = readOnly ? Fd.READ_ONLY : Fd.READ_WRITE;
    int direct = least == null ? 0 : Fd.DIRECT;
    while (true) {
      try {
        return Fd.open(handle.path(), access | exclusive | direct);
      } catch (LinuxException e) {
        boolean isUsed = e.errno() == Errno.EBUSY && exclusive != 0;
        if (!isUsed || !mayTryAgain()) {
          throw refusal(e, isUsed, blockDevice);
        }
      }
    }
  }

  private DiskException refusal(LinuxException e, boolean isUsed, boolean blockDevice) {
    int errno = e.errno();
    if (errno == Errno.EINVAL && least != null) {
      return DirectProbe.refusal(name, blockDevice);
    }
    if (isUsed) {
      return refused(
          Kind.USED_BY_HOST, "is in use: mounted, a part of a volume, or open in another jkvm");
    }
    boolean forbidden = errno == Errno.EACCES || errno == Errno.EROFS || errno == Errno.EPERM;
    return forbidden && !readOnly
        ? refused(Kind.NOT_WRITABLE, "can't be opened for writing (" + cause(errno) + ")")
        : refused(Kind.UNOPENABLE, "can't be opened (" + cause(errno) + ")", e);
  }

  private void lock(Fd fd) throws DiskException {
    boolean locked;
    try {
      locked = tryLock(fd);
    } catch (LinuxException e) {
      throw refused(Kind.NOT_LOCKABLE, "can't be locked (" + cause(e.errno()) + ")");
    }
    if (!locked) {
      throw readOnly
          ? refused(Kind.IN_USE_FOR_WRITING, "is in use: it is open for writing elsewhere")
          : refused(Kind.IN_USE, "is in use: it is open elsewhere");
    }
  }

  private boolean tryLock(Fd fd) throws LinuxException {
    while (!FileIo.tryLock(fd, !readOnly)) {
      if (!mayTryAgain()) {
        return false;
      }
    }
    return true;
  }

  /**
   * Waits a little, for a while: the kernel holds a file, and its lock, for a moment after a
   * process that had requests under way was killed.
   */
  private boolean mayTryAgain() {
    if (System.nanoTime() - start > LOCK_NANOSECONDS) {
      return false;
    }
    try {
      Thread.sleep(LOCK_STEP_MILLISECONDS);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private RawImage regularFile(Fd fd, DirectAlignment alignment) throws DiskException {
    long length = FileIo.size(fd);
    if (length < 0) {
      throw refused(Kind.UNMEASURABLE, "can't be measured (" + cause((int) -length) + ")");
    }
    if (length == 0) {
      throw refused(Kind.EMPTY, "is empty");
    }
    if (length % SECTOR_BYTES != 0) {
      throw refused(Kind.NOT_WHOLE_SECTORS, "length " + length + " is not a multiple of 512 bytes");
    }
    if (!readOnly) {
      checkBlocks(length, alignment); // the last block can be read as far as it is there
    }
    return new RawImage(name, fd, length, SECTOR_BYTES, readOnly, alignment);
  }

  /**
   * A direct write is of whole blocks, and would make the file longer. To cut it again would leave
   * a larger disk behind if the host failed in between.
   */
  private void checkBlocks(long length, DirectAlignment alignment) throws DiskException {
    if (alignment != null && length % alignment.blockBytes() != 0) {
      throw refused(
          Kind.NOT_WHOLE_BLOCKS,
          "length "
              + length
              + " is not a multiple of "
              + alignment.blockBytes()
              + " bytes, in which direct I/O is done there");
    }
  }

  private RawImage blockDevice(Fd fd, DirectAlignment alignment) throws DiskException {
    long length;
    int block;
    try {
      // Root can open it for writing all the same, and no write will do.
      if (!readOnly && FileIo.isReadOnlyDevice(fd)) {
        throw refused(Kind.NOT_WRITABLE, "is a read-only block device");
      }
      length = FileIo.blockDeviceBytes(fd) / SECTOR_BYTES * SECTOR_BYTES;
      block = FileIo.logicalBlockBytes(fd);
    } catch (LinuxException e) {
      throw refused(
          Kind.SIZE_UNKNOWN, "size unknown (" + e.call() + ": " + Errno.name(e.errno()) + ")");
    }
    if (length <= 0) {
      throw refused(Kind.NO_MEDIUM, "has no medium");
    }
    if (block < SECTOR_BYTES || Integer.bitCount(block) != 1) {
      throw refused(
          Kind.BLOCK_SIZE_UNSUPPORTED, "has blocks of " + block + " bytes, which is not supported");
    }
    checkBlocks(length, alignment);
    return new RawImage(name, fd, length, block, readOnly, alignment);
  }

  /** With what may be a shortage of the host's, for which there is other advice. */
  private DiskException refused(Kind kind, String fact, LinuxException cause) {
    DiskException refused = refused(kind, fact);
    refused.initCause(cause);
    return refused;
  }

  private DiskException refused(Kind kind, String fact) {
    return new DiskException(name, kind, fact);
  }
}
