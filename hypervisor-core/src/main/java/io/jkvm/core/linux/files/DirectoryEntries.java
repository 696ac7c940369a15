// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import java.nio.ByteBuffer;

/**
 * Entries of a directory as getdents64(2) writes them, a buffer full at a time, and a cursor over
 * them. "." and ".." are among them where the file system has them; the order is the file system's.
 *
 * <pre>
 * struct linux_dirent64 {    offset
 *   u64 d_ino;                   0
 *   s64 d_off;                   8    where the next entry is, for {@link FileDataIo#seek}
 *   unsigned short d_reclen;    16
 *   unsigned char d_type;       18
 *   char d_name[];              19    with a NUL; what follows it is padding
 * };
 * </pre>
 */
public final class DirectoryEntries {
  private static final int D_OFF = 8;
  private static final int D_RECLEN = 16;
  private static final int D_TYPE = 18;
  private static final int D_NAME = 19;

  private final NativeMemory memory;
  private final ByteBuffer buffer;
  private int end;
  private int next;
  private int current;
  private int nameLength;
  private boolean damaged;

  /**
   * An empty buffer.
   *
   * @param bytes its size; 280 have room for one entry of any name, 32768 are what libraries use
   */
  public DirectoryEntries(int bytes) {
    memory = new NativeMemory(bytes);
    buffer = memory.buffer();
  }

  /**
   * Reads the next entries of a directory; what was in the buffer is gone.
   *
   * @param fd open for reading, not a handle; its offset advances behind the last entry
   * @return how many bytes came, 0 at the end, or negated: EINVAL if the buffer is too small for
   *     the next entry, ENOENT if the directory was removed, EIO if {@link #next} met an entry that
   *     makes no sense
   */
  public int fill(int fd) {
    if (damaged) {
      return -Errno.EIO;
    }
    long result = SystemCall.call(SystemCall.GETDENTS64, fd, memory.address(), buffer.capacity());
    filled((int) Math.max(result, 0));
    return (int) result;
  }

  /** The buffer has so many bytes of entries. */
  void filled(int bytes) {
    end = Math.min(bytes, buffer.capacity());
    next = 0;
    current = 0;
    nameLength = 0;
  }

  /** Forgets what is in the buffer, to be called when the descriptor's offset was set. */
  public void clear() {
    filled(0);
    damaged = false;
  }

  /**
   * Goes on to the next entry in the buffer.
   *
   * @return whether there is one; the methods below are about it
   */
  public boolean next() {
    if (next >= end || damaged) {
      return false;
    }
    int length = end - next > D_NAME ? buffer.getShort(next + D_RECLEN) & 0xffff : 0;
    if (length <= D_NAME || length > end - next) {
      return damaged();
    }
    int nul = next + D_NAME;
    while (nul < next + length && buffer.get(nul) != 0) {
      nul++;
    }
    if (nul == next + length || nul == next + D_NAME) {
      return damaged();
    }
    current = next;
    nameLength = nul - current - D_NAME;
    next += length;
    return true;
  }

  private boolean damaged() {
    damaged = true;
    return false;
  }

  /**
   * Where the names are, by {@link #nameAt}; its position does not matter, its limit is its end.
   */
  public ByteBuffer buffer() {
    return buffer;
  }

  /** Index in {@link #buffer} of the name's first byte. */
  public int nameAt() {
    return current + D_NAME;
  }

  /** How many bytes the name has, 1 or more. */
  public int nameLength() {
    return nameLength;
  }

  /** Whether the name is "." or "..". */
  public boolean isDotOrDotDot() {
    return nameLength <= 2
        && buffer.get(nameAt()) == '.'
        && buffer.get(nameAt() + nameLength - 1) == '.';
  }

  /** d_ino: the inode number, in the file system of the directory even if it is a mount point. */
  public long inode() {
    return buffer.getLong(current);
  }

  /**
   * d_off: the offset of the entry behind this one, to be given to {@link FileDataIo#seek}. Any 63
   * bits, not a count.
   */
  public long offset() {
    return buffer.getLong(current + D_OFF);
  }

  /** d_type: a DT_ value of {@link FileMode}; DT_UNKNOWN where the file system does not say. */
  public int type() {
    return buffer.get(current + D_TYPE) & 0xff;
  }
}
