// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A raw disk image or a host block device: byte N of the guest's disk is byte N of the file. Holds
 * a lock as long as it is open (see {@link RawImageOpener}).
 */
public final class RawImage implements BlockBackend, AutoCloseable {
  private static final int MAX_VECTORS = 1024;
  private static final int ZERO_BYTES = 64 << 10;
  private static final int MAX_AGAIN = 1000;

  private final String name;
  private final Fd fd;
  private final long capacityBytes;
  private final int logicalBlockBytes;
  private final boolean readOnly;
  private final NativeMemory zeroes;

  RawImage(String name, Fd fd, long capacityBytes, int logicalBlockBytes, boolean readOnly) {
    this.name = name;
    this.fd = fd;
    this.capacityBytes = capacityBytes;
    this.logicalBlockBytes = logicalBlockBytes;
    this.readOnly = readOnly;
    zeroes = readOnly ? null : new NativeMemory(ZERO_BYTES);
  }

  /**
   * Opens and locks an image: exclusively for writing, shared for reading.
   *
   * @param path a regular file whose length is a multiple of 512 bytes, or a block device
   * @throws DiskException in one line: which disk, and why not
   */
  public static RawImage open(Path path, boolean readOnly) throws DiskException {
    return RawImageOpener.open(path, readOnly);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long capacityBytes() {
    return capacityBytes;
  }

  @Override
  public boolean readOnly() {
    return readOnly;
  }

  @Override
  public int logicalBlockBytes() {
    return logicalBlockBytes;
  }

  @Override
  public void read(IoVector target, long offset) throws IOException {
    long at = offset;
    int again = 0;
    while (target.remainingBytes() > 0) {
      int count = Math.min(target.count(), MAX_VECTORS);
      long result = Libc.preadv(fd.value(), target.address(), count, at);
      if (result == 0) {
        throw new DiskException(
            name,
            DiskException.Kind.SHRANK_IN_USE,
            "the file ends at " + at + " bytes: it was truncated while in use");
      }
      if (result > 0) {
        target.advance(result);
        at += result;
        again = 0;
      } else {
        again = retry("preadv", at, again);
      }
    }
  }

  @Override
  public void write(IoVector source, long offset) throws IOException {
    long at = offset;
    int again = 0;
    while (source.remainingBytes() > 0) {
      int count = Math.min(source.count(), MAX_VECTORS);
      long result = Libc.pwritev(fd.value(), source.address(), count, at);
      if (result > 0) {
        source.advance(result);
        at += result;
        again = 0;
      } else {
        again = retry("pwritev", at, again);
      }
    }
  }

  /** Decides about a call that failed: returns the number of retries so far, or throws. */
  private int retry(String call, long at, int again) throws LinuxException {
    int errno = Libc.errno();
    if (errno == Errno.EINTR) {
      return again;
    }
    if (errno == Errno.EAGAIN && again < MAX_AGAIN) {
      Thread.yield();
      return again + 1;
    }
    throw new LinuxException("disk " + name + ": " + call + " at byte " + at, errno);
  }

  @Override
  public void flush() throws IOException {
    while (Libc.fdatasync(fd.value()) < 0) {
      // Any other failure is final: after it the kernel may have dropped what was to be written.
      if (Libc.errno() != Errno.EINTR) {
        throw LinuxException.last("disk " + name + ": fdatasync");
      }
    }
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    allocate(Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE, offset, length);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    int punch = Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE;
    int zero = Libc.FALLOC_FL_ZERO_RANGE | Libc.FALLOC_FL_KEEP_SIZE;
    if (mayUnmap && allocate(punch, offset, length) || allocate(zero, offset, length)) {
      return;
    }
    int again = 0;
    for (long done = 0; done < length; ) {
      long part = Math.min(length - done, ZERO_BYTES);
      long result = Libc.pwrite(fd.value(), zeroes.address(), part, offset + done);
      if (result > 0) {
        done += result;
        again = 0;
      } else {
        again = retry("pwrite", offset + done, again);
      }
    }
  }

  /** False if the file system or device can't do it, or not with this alignment. */
  private boolean allocate(int mode, long offset, long length) throws LinuxException {
    int again = 0;
    while (Libc.fallocate(fd.value(), mode, offset, length) < 0) {
      int errno = Libc.errno();
      if (errno == Errno.EOPNOTSUPP || errno == Errno.EINVAL || errno == Errno.ENODEV) {
        return false;
      }
      again = retry("fallocate", offset, again);
    }
    return true;
  }

  /** Closes the file and gives up the lock. What was not flushed is left to the host. */
  @Override
  public void close() {
    fd.close();
  }
}
