// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.Ioctl;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.devices.storage.DiskException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Finds out whether a path can be a disk, and locks it. The lock is one of the open file
 * description (fcntl(2), F_OFD_SETLK): two opens exclude each other in one process too, and it ends
 * with the process.
 */
final class RawImageOpener {
  private static final int SECTOR_BYTES = 512;
  private static final int S_IFMT = 0xf000;
  private static final int S_IFDIR = 0x4000;
  private static final int S_IFBLK = 0x6000;
  private static final int S_IFREG = 0x8000;
  private static final long BLKGETSIZE64 = Ioctl.ior(0x12, 114, 8);
  private static final long BLKSSZGET = Ioctl.io(0x12, 104);
  private static final short F_RDLCK = 0;
  private static final short F_WRLCK = 1;
  private static final int FLOCK_BYTES = 32;

  private final Path path;
  private final boolean readOnly;

  private RawImageOpener(Path path, boolean readOnly) {
    this.path = path;
    this.readOnly = readOnly;
  }

  static RawImage open(Path path, boolean readOnly) throws DiskException {
    return new RawImageOpener(path, readOnly).open();
  }

  private RawImage open() throws DiskException {
    int type = fileType();
    if (type == S_IFDIR) {
      throw refused(Kind.DIRECTORY, "is a directory");
    }
    if (type != S_IFREG && type != S_IFBLK) {
      throw refused(Kind.NOT_A_DISK, "is neither a regular file nor a block device");
    }
    Fd fd = openFile();
    try {
      lock(fd);
      RawImage image = type == S_IFBLK ? blockDevice(fd) : regularFile(fd);
      fd = null;
      return image;
    } finally {
      if (fd != null) {
        fd.close();
      }
    }
  }

  private int fileType() throws DiskException {
    try {
      return (Integer) Files.getAttribute(path, "unix:mode") & S_IFMT;
    } catch (NoSuchFileException e) {
      throw refused(Kind.ABSENT, "no such file");
    } catch (IOException e) {
      throw refused(Kind.UNREACHABLE, "can't be looked at (" + e.getMessage() + ")");
    }
  }

  private Fd openFile() throws DiskException {
    try {
      return Fd.open(path.toString(), readOnly ? Libc.O_RDONLY : Libc.O_RDWR);
    } catch (LinuxException e) {
      String cause = Errno.name(e.errno()) + ": " + Errno.message(e.errno());
      boolean forbidden =
          e.errno() == Errno.EACCES || e.errno() == Errno.EROFS || e.errno() == Errno.EPERM;
      if (forbidden && !readOnly) {
        throw refused(Kind.NOT_WRITABLE, "can't be opened for writing (" + cause + ")");
      }
      throw refused(Kind.UNOPENABLE, "can't be opened (" + cause + ")");
    }
  }

  private void lock(Fd fd) throws DiskException {
    NativeMemory flock = new NativeMemory(FLOCK_BYTES);
    // l_whence SEEK_SET, l_start 0 and l_len 0 mean the whole file, however long.
    flock.buffer().putShort(0, readOnly ? F_RDLCK : F_WRLCK);
    if (Libc.fcntl(fd.value(), Libc.F_OFD_SETLK, flock.address()) < 0) {
      int errno = Libc.errno();
      if (errno == Errno.EAGAIN || errno == Errno.EACCES) {
        throw readOnly
            ? refused(Kind.IN_USE_FOR_WRITING, "is in use: it is open for writing elsewhere")
            : refused(Kind.IN_USE, "is in use: it is open elsewhere");
      }
      throw refused(
          Kind.NOT_LOCKABLE,
          "can't be locked (" + Errno.name(errno) + ": " + Errno.message(errno) + ")");
    }
  }

  private RawImage regularFile(Fd fd) throws DiskException {
    long length;
    try {
      length = Files.size(path);
    } catch (IOException e) {
      throw refused(Kind.UNMEASURABLE, "can't be measured (" + e.getMessage() + ")");
    }
    if (length == 0) {
      throw refused(Kind.EMPTY, "is empty");
    }
    if (length % SECTOR_BYTES != 0) {
      throw refused(Kind.NOT_WHOLE_SECTORS, "length " + length + " is not a multiple of 512 bytes");
    }
    return new RawImage(path.toString(), fd, length, SECTOR_BYTES, readOnly);
  }

  private RawImage blockDevice(Fd fd) throws DiskException {
    NativeMemory result = new NativeMemory(8);
    if (Libc.ioctl(fd.value(), BLKGETSIZE64, result.address()) < 0) {
      throw refused(
          Kind.SIZE_UNKNOWN, "size unknown (BLKGETSIZE64: " + Errno.name(Libc.errno()) + ")");
    }
    long length = result.buffer().getLong(0) / SECTOR_BYTES * SECTOR_BYTES;
    if (length <= 0) {
      throw refused(Kind.NO_MEDIUM, "has no medium");
    }
    int block = SECTOR_BYTES;
    if (Libc.ioctl(fd.value(), BLKSSZGET, result.address()) >= 0) {
      block = result.buffer().getInt(0);
    }
    if (block < SECTOR_BYTES || Integer.bitCount(block) != 1) {
      throw refused(
          Kind.BLOCK_SIZE_UNSUPPORTED, "has blocks of " + block + " bytes, which is not supported");
    }
    return new RawImage(path.toString(), fd, length, block, readOnly);
  }

  private DiskException refused(Kind kind, String fact) {
    return new DiskException(path.toString(), kind, fact);
  }
}
