// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.LinuxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Finds out whether a path can be a disk, and locks it ({@link FileIo#tryLock}). */
final class RawImageOpener {
  private static final int SECTOR_BYTES = 512;
  private static final int S_IFMT = 0xf000;
  private static final int S_IFDIR = 0x4000;
  private static final int S_IFBLK = 0x6000;
  private static final int S_IFREG = 0x8000;

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
      throw refused("is a directory; give an image file or a block device");
    }
    if (type != S_IFREG && type != S_IFBLK) {
      throw refused("is neither a regular file nor a block device; give one of these");
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
      throw refused("no such file; check the name");
    } catch (IOException e) {
      throw refused("can't be looked at (" + e.getMessage() + "); check the permissions");
    }
  }

  private Fd openFile() throws DiskException {
    try {
      return Fd.open(path.toString(), readOnly ? Fd.READ_ONLY : Fd.READ_WRITE);
    } catch (LinuxException e) {
      String cause = Errno.name(e.errno()) + ": " + Errno.message(e.errno());
      boolean forbidden =
          e.errno() == Errno.EACCES || e.errno() == Errno.EROFS || e.errno() == Errno.EPERM;
      if (forbidden && !readOnly) {
        throw refused(
            "can't be opened for writing (" + cause + "); make it writable or add ,ro to the disk");
      }
      throw refused("can't be opened (" + cause + "); check the file and its permissions");
    }
  }

  private void lock(Fd fd) throws DiskException {
    boolean locked;
    try {
      locked = FileIo.tryLock(fd, !readOnly);
    } catch (LinuxException e) {
      throw refused(
          "can't be locked ("
              + Errno.name(e.errno())
              + ": "
              + Errno.message(e.errno())
              + "); copy it to a file system that supports locks");
    }
    if (!locked) {
      throw refused(
          readOnly
              ? "is in use: another jkvm has it open for writing; stop that one first"
              : "is in use by another jkvm; stop that one, or open it with ,ro in all of them");
    }
  }

  private RawImage regularFile(Fd fd) throws DiskException {
    long length;
    try {
      length = Files.size(path);
    } catch (IOException e) {
      throw refused("can't be measured (" + e.getMessage() + "); check the file");
    }
    if (length == 0) {
      throw refused("is empty; give it a size first: truncate -s 1G " + path);
    }
    if (length % SECTOR_BYTES != 0) {
      throw refused(
          "length "
              + length
              + " is not a multiple of 512 bytes; pad it first: truncate -s %512 "
              + path);
    }
    return new RawImage(path.toString(), fd, length, SECTOR_BYTES, readOnly);
  }

  private RawImage blockDevice(Fd fd) throws DiskException {
    long length;
    int block;
    try {
      length = FileIo.blockDeviceBytes(fd) / SECTOR_BYTES * SECTOR_BYTES;
      block = FileIo.logicalBlockBytes(fd);
    } catch (LinuxException e) {
      throw refused("size unknown (" + e.call() + ": " + Errno.name(e.errno()) + "); check it");
    }
    if (length <= 0) {
      throw refused("has no medium; insert or attach one");
    }
    if (block < SECTOR_BYTES || Integer.bitCount(block) != 1) {
      throw refused("has blocks of " + block + " bytes, which is not supported; use an image file");
    }
    return new RawImage(path.toString(), fd, length, block, readOnly);
  }

  private DiskException refused(String why) {
    return new DiskException("disk " + path + ": " + why);
  }
}
