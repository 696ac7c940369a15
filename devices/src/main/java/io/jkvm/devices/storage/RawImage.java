// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.FileMode;
import io.jkvm.core.linux.files.StatFs;
import io.jkvm.core.linux.files.Statx;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A raw disk image or a host block device: byte N of the guest's disk is byte N of the file. Goes
 * through the host's page cache, or past it ({@link DirectIo}), all of it the same way. Holds a
 * lock as long as it is open (see {@link RawImageOpener}). May be used by several threads at once.
 */
public final class RawImage implements BlockBackend, AutoCloseable {
  private static final int SECTOR_BYTES = 512;
  private static final int ZERO_BYTES = 64 << 10;

  /** As long as a device waits for a request in flight. */
  private static final long CLOSE_MILLISECONDS = 10_000;

  private final String name;
  private final Fd fd;
  private final SizeProbe size;

  /** The capacity is a multiple: direct writes are of whole blocks, and make no file longer. */
  private final long sizeUnitBytes;

  private final int logicalBlockBytes;
  private final boolean readOnly;
  private final TransferErrors errors;

  /** Null where I/O goes through the page cache. */
  private final DirectIo direct;

  /** Null where nothing is to be written, or by {@link DirectIo}. */
  private final NativeMemory zeroes;

  private final FlushLatch flushes;
  private final AtomicBoolean closed = new AtomicBoolean();

  /** Written with the monitor held. */
  private volatile long capacityBytes;

  /** One that goes through the page cache. */
  RawImage(String name, Fd fd, long capacityBytes, int logicalBlockBytes, boolean readOnly) {
    this(name, fd, capacityBytes, logicalBlockBytes, readOnly, null);
  }

  /**
   * Of an open file.
   *
   * @param alignment what direct I/O on it demands; null for I/O through the page cache
   */
  RawImage(
      String name,
      Fd fd,
      long capacityBytes,
      int logicalBlockBytes,
      boolean readOnly,
      DirectAlignment alignment) {
    this.name = name;
    this.fd = fd;
    this.capacityBytes = capacityBytes;
    this.logicalBlockBytes = logicalBlockBytes;
    this.readOnly = readOnly;
    errors = new TransferErrors(name);
    direct = alignment == null ? null : new DirectIo(fd, alignment, errors, readOnly);
    zeroes = readOnly || direct != null ? null : new NativeMemory(ZERO_BYTES);
    size = new SizeProbe(() -> FileIo.size(fd));
    sizeUnitBytes =
        alignment == null || readOnly
            ? SECTOR_BYTES
            : Math.max(SECTOR_BYTES, alignment.blockBytes());
    flushes = new FlushLatch("disk " + name + ": fdatasync", () -> FileIo.fdatasync(fd));
  }

  /**
   * Opens and locks an image: exclusively for writing, shared for reading. Waits for up to 2 s for
   * the lock of a process that is about to be gone.
   *
   * @param path a regular file whose length is a multiple of 512 bytes, or a block device
   * @throws DiskException in one line: which disk, and why not
   */
  public static RawImage open(Path path, boolean readOnly) throws DiskException {
    return open(path.toString(), path, readOnly, false, false);
  }

  /**
   * The same with a name for messages.
   *
   * @param anyContent whether its first bytes may be those of another format's image
   * @param direct whether its I/O goes past the host's page cache. If direct writes are in blocks
   *     of more than 512 bytes there, the length of a file that is written has to be a multiple
   */
  public static RawImage open(
      String name, Path path, boolean readOnly, boolean anyContent, boolean direct)
      throws DiskException {
    DirectAlignment least = direct ? DirectAlignment.ANY : null;
    return RawImageOpener.open(name, path, readOnly, anyContent, least);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long capacityBytes() {
    return capacityBytes;
  }

  /**
   * {@inheritDoc}
   *
   * <p>Of the open file, whatever its name leads to by now. Bytes after the last whole sector, or
   * block that can be written, do not count.
   */
  @Override
  public long rescan() throws DiskException {
    OptionalLong result = size.look();
    if (result.isEmpty()) {
      return capacityBytes; // closed
    }
    if (result.getAsLong() < 0) {
      String errno = Errno.name((int) -result.getAsLong());
      throw new DiskException(
          name, DiskException.Kind.UNMEASURABLE, "can't be measured (lseek: " + errno + ")");
    }
    long found = result.getAsLong() / sizeUnitBytes * sizeUnitBytes;
    synchronized (this) {
      capacityBytes = Math.max(capacityBytes, found);
    }
    return found;
  }

  @Override
  public boolean readOnly() {
    return readOnly;
  }

  @Override
  public int logicalBlockBytes() {
    return logicalBlockBytes;
  }

  /** The open file, for those that have the kernel work on it; stays this object's to close. */
  public Fd fd() {
    return fd;
  }

  /**
   * Whether it is a file of a tmpfs, whose pages are the medium. The node of a block device is in
   * such a file system as well.
   */
  public boolean isInMemory() {
    StatFs fileSystem = new StatFs();
    Statx file = new Statx();
    return fileSystem.read(fd.value()) == 0
        && fileSystem.type() == StatFs.TMPFS_MAGIC
        && file.read(fd.value(), 0, Statx.STATX_TYPE) == 0
        && (file.mode() & FileMode.S_IFMT) == FileMode.S_IFREG;
  }

  /** Whether its I/O goes past the host's page cache. */
  public boolean direct() {
    return direct != null;
  }

  /** The unit of direct I/O in bytes, a power of two; 1 where I/O goes through the page cache. */
  public int directBlockBytes() {
    return direct == null ? 1 : direct.alignment().blockBytes();
  }

  /**
   * Whether the kernel takes a transfer as it is, so that others than this object may submit it.
   */
  public boolean admits(IoVector data, long offset) {
    return direct == null || direct.alignment().admits(data, offset);
  }

  /**
   * Announces a write that others submit, and that {@link #admits}; never waits.
   *
   * @return false if it has to be left to {@link #write}
   */
  public boolean tryBeginWrite() {
    return direct == null || direct.tryBeginWrite();
  }

  /** A write that was announced is not under way any more; for any thread. */
  public void endWrite() {
    if (direct != null) {
      direct.endWrite();
    }
  }

  /**
   * Reads what is in the host's page cache, without waiting for the medium.
   *
   * @param target loses what was read
   * @return 0 if all was there, else a negated errno: EAGAIN if the rest has to be waited for,
   *     EOPNOTSUPP if the file system can't tell; others, with which a {@link #read} of the rest
   *     will say what is wrong
   */
  public int readCached(IoVector target, long offset) {
    long at = offset;
    while (target.remainingBytes() > 0) {
      long result = FileIo.preadvCached(fd, target, at);
      if (result <= 0) {
        return result == 0 ? -Errno.EAGAIN : (int) result;
      }
      target.advance(result);
      at += result;
    }
    return 0;
  }

  /**
   * What a read says that finds no byte where there should be one.
   *
   * @param at where, in bytes
   */
  public DiskException truncated(long at) {
    return errors.truncated(at);
  }

  /**
   * What a read or write says that failed.
   *
   * @param at where, in bytes
   */
  public LinuxException failed(String call, long at, int errno) {
    return errors.failed(call, at, errno);
  }

  @Override
  public void read(IoVector target, long offset) throws IOException {
    if (direct != null) {
      direct.read(target, offset);
      return;
    }
    long at = offset;
    int again = 0;
    while (target.remainingBytes() > 0) {
      long result = FileIo.preadv(fd, target, at);
      if (result == 0) {
        throw truncated(at);
      }
      if (result > 0) {
        target.advance(result);
        at += result;
        again = 0;
      } else {
        again = errors.retry("preadv", result, at, again);
      }
    }
  }

  @Override
  public void write(IoVector source, long offset) throws IOException {
    if (direct != null) {
      direct.write(source, offset);
      return;
    }
    long at = offset;
    int again = 0;
    while (source.remainingBytes() > 0) {
      long result = FileIo.pwritev(fd, source, at);
      if (result > 0) {
        source.advance(result);
        at += result;
        again = 0;
      } else {
        again = errors.retry("pwritev", result, at, again);
      }
    }
  }

  @Override
  public void flush() throws IOException {
    flushes.flush();
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    clear(true, offset, length);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    if (mayUnmap && clear(true, offset, length) || clear(false, offset, length)) {
      return;
    }
    if (direct != null) {
      direct.writeZeroes(offset, length);
      return;
    }
    int again = 0;
    for (long done = 0; done < length; ) {
      long part = Math.min(length - done, ZERO_BYTES);
      long result = FileIo.pwrite(fd, zeroes.address(), part, offset + done);
      if (result > 0) {
        done += result;
        again = 0;
      } else {
        again = errors.retry("pwrite", result, offset + done, again);
      }
    }
  }

  /** False if the file system or device can't do it, or not with this alignment. */
  private boolean clear(boolean unmap, long offset, long length) throws LinuxException {
    if (direct == null) {
      return clearNow(unmap, offset, length);
    }
    direct.beginWrite();
    try {
      return clearNow(unmap, offset, length);
    } finally {
      direct.endWrite();
    }
  }

  private boolean clearNow(boolean unmap, long offset, long length) throws LinuxException {
    for (int again = 0; ; ) {
      int result =
          unmap ? FileIo.punchHole(fd, offset, length) : FileIo.zeroRange(fd, offset, length);
      if (result == 0) {
        return true;
      }
      if (result == -Errno.EOPNOTSUPP || result == -Errno.EINVAL || result == -Errno.ENODEV) {
        return false;
      }
      again = errors.retry("fallocate", result, offset, again);
    }
  }

  /**
   * Closes the file and gives up the lock. What was not flushed is left to the host.
   *
   * @throws IllegalStateException if the host does not say how large it is, as it was asked to: the
   *     file stays open
   */
  @Override
  public void close() {
    if (!size.end(CLOSE_MILLISECONDS)) {
      throw new IllegalStateException("disk " + name + ": its size is still being looked at");
    }
    if (closed.compareAndSet(false, true)) {
      try {
        FileIo.unlock(fd);
      } finally {
        fd.close();
      }
    }
  }
}
