// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.NativeMemory;
import java.io.IOException;

/**
 * Reads and writes a file past the host's page cache (open(2), O_DIRECT). What the kernel takes as
 * it is goes there without a copy; all else goes through aligned buffers, a part after the other,
 * so that no request decides how much memory it takes.
 *
 * <p>A write of less than a block reads the block and writes it changed. The requests of a guest
 * are multiples of 512 bytes, so with blocks of 512 bytes or less there is none, and no lock
 * either. With larger blocks every write, and whatever else changes the file, takes a {@link
 * PartialWriteLock}; the guest still has its sectors of 512 bytes, which is what images made
 * elsewhere are laid out in. May be used by several threads at once; allocates nothing for a
 * request.
 */
final class DirectIo {
  private final Fd fd;
  private final DirectAlignment alignment;
  private final TransferErrors errors;
  private final BounceBuffers buffers;

  /** Null if every write is of whole blocks. */
  private final PartialWriteLock lock;

  /** Null if nothing is to be written. */
  private final NativeMemory zeroes;

  /**
   * On an open file, which stays the caller's to close.
   *
   * @param fd open with O_DIRECT
   * @param alignment that this file demands, or more
   */
  DirectIo(Fd fd, DirectAlignment alignment, TransferErrors errors, boolean readOnly) {
    this.fd = fd;
    this.alignment = alignment;
    this.errors = errors;
    buffers = new BounceBuffers(alignment);
    lock = alignment.hasPartialWrites() ? new PartialWriteLock() : null;
    zeroes = readOnly ? null : alignment.newMemory(DirectAlignment.MAX_BYTES);
  }

  DirectAlignment alignment() {
    return alignment;
  }

  /** Before something that changes whole blocks only, or that the kernel does in one. */
  void beginWrite() {
    if (lock != null) {
      lock.share();
    }
  }

  /** As {@link #beginWrite}; false if that would have to wait. */
  boolean tryBeginWrite() {
    return lock == null || lock.tryShare();
  }

  /** After it. */
  void endWrite() {
    if (lock != null) {
      lock.unshare();
    }
  }

  void read(IoVector target, long offset) throws IOException {
    long at = offset;
    int again = 0;
    boolean asItIs = true;
    while (target.remainingBytes() > 0) {
      if (!asItIs || !alignment.admits(target, at)) {
        at += readThroughBuffer(target, at);
        continue;
      }
      long result = FileIo.preadv(fd, target, at);
      if (result > 0) {
        target.advance(result);
        at += result;
        again = 0;
      } else if (result == 0) {
        throw errors.truncated(at);
      } else if (result == -Errno.EINVAL) {
        asItIs = false; // it demands more than it says, or cuts long transfers where it may not
      } else {
        again = errors.retry("preadv", result, at, again);
      }
    }
  }

  private long readThroughBuffer(IoVector target, long at) throws IOException {
    long start = alignment.down(at);
    long end = alignment.up(at + target.remainingBytes());
    NativeMemory buffer = buffers.take();
    try {
      long length = Math.min(BounceBuffers.BYTES, end - start);
      long there = readBlocks(buffer.address(), start, length);
      long bytes = Math.min(start + there - at, target.remainingBytes());
      if (bytes <= 0) {
        throw errors.truncated(start + there);
      }
      target.fill(buffer.address() + (at - start), bytes);
      return bytes;
    } finally {
      buffers.give(buffer);
    }
  }

  /**
   * Reads whole blocks into aligned memory. Where the file ends within, there are fewer bytes.
   *
   * @return how many there are
   */
  private long readBlocks(long address, long start, long length) throws IOException {
    long there = 0;
    int again = 0;
    while (there < length) {
      long from = alignment.down(there); // once more what came of a block in part
      long result = FileIo.pread(fd, address + from, length - from, start + from);
      if (result < 0) {
        again = errors.retry("pread", result, start + from, again);
      } else if (from + result <= there) {
        return there;
      } else {
        there = from + result;
        again = 0;
      }
    }
    return there;
  }

  void write(IoVector source, long offset) throws IOException {
    long at = offset;
    int again = 0;
    boolean asItIs = true;
    while (source.remainingBytes() > 0) {
      if (!asItIs || !alignment.admits(source, at)) {
        at += writeThroughBuffer(source, at);
        continue;
      }
      long result = writeAsItIs(source, at);
      long whole = result < 0 ? 0 : alignment.down(result); // the block of the rest once more
      if (whole > 0) {
        source.advance(whole);
        at += whole;
        again = 0;
      } else if (result == -Errno.EINVAL) {
        asItIs = false;
      } else {
        again = errors.retry("pwritev", result < 0 ? result : -Errno.EAGAIN, at, again);
      }
    }
  }

  private long writeAsItIs(IoVector source, long at) {
    beginWrite();
    try {
      return FileIo.pwritev(fd, source, at);
    } finally {
      endWrite();
    }
  }

  private long writeThroughBuffer(IoVector source, long at) throws IOException {
    long whole = wholeBlocks(at, source.remainingBytes());
    if (whole == 0) {
      return writePart(source, at, source.remainingBytes());
    }
    long length = Math.min(whole, BounceBuffers.BYTES);
    beginWrite();
    try {
      NativeMemory buffer = buffers.take();
      try {
        source.drain(buffer.address(), length);
        writeBlocks(buffer.address(), at, length);
      } finally {
        buffers.give(buffer);
      }
    } finally {
      endWrite();
    }
    return length;
  }

  /** How many bytes from an offset on are whole blocks; 0 if it is in the midst of one. */
  private long wholeBlocks(long at, long bytes) {
    return alignment.down(at) == at ? alignment.down(bytes) : 0;
  }

  /**
   * Changes the first of some bytes that are in one block.
   *
   * @param source null for zeroes
   */
  private long writePart(IoVector source, long at, long bytes) throws IOException {
    long start = alignment.down(at);
    int block = alignment.blockBytes();
    int from = (int) (at - start);
    int length = (int) Math.min(block - from, bytes);
    if (lock == null) {
      throw new IllegalArgumentException(bytes + " bytes at byte " + at + " are no sectors");
    }
    lock.exclude();
    try {
      NativeMemory buffer = buffers.take();
      try {
        long there = readBlocks(buffer.address(), start, block);
        if (there < block) {
          throw errors.truncated(start + there); // to write all would make it longer
        }
        if (source != null) {
          source.drain(buffer.address() + from, length);
        } else {
          buffer.buffer().put(from, zeroes.buffer(), 0, length);
        }
        writeBlocks(buffer.address(), start, block);
      } finally {
        buffers.give(buffer);
      }
    } finally {
      lock.readmit();
    }
    return length;
  }

  /** Writes whole blocks of aligned memory. */
  private void writeBlocks(long address, long start, long length) throws IOException {
    int again = 0;
    for (long done = 0; done < length; ) {
      long result = FileIo.pwrite(fd, address + done, length - done, start + done);
      long whole = result < 0 ? 0 : alignment.down(result); // the block of the rest once more
      if (whole > 0) {
        done += whole;
        again = 0;
      } else {
        long errno = result < 0 ? result : -Errno.EAGAIN;
        again = errors.retry("pwrite", errno, start + done, again);
      }
    }
  }

  /** Writes zeroes, for files whose range can't be zeroed otherwise. */
  void writeZeroes(long offset, long length) throws IOException {
    for (long done = 0; done < length; ) {
      long at = offset + done;
      long whole = wholeBlocks(at, length - done);
      if (whole == 0) {
        done += writePart(null, at, length - done);
        continue;
      }
      long part = Math.min(whole, zeroes.buffer().capacity());
      beginWrite();
      try {
        writeBlocks(zeroes.address(), at, part);
      } finally {
        endWrite();
      }
      done += part;
    }
  }
}
