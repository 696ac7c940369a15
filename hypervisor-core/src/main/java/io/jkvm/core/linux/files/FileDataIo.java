// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.NativeMemory;
import java.lang.ref.Reference;

/**
 * The contents of open files: bytes at offsets, holes, sizes, and when they reach the disk. An
 * errno is returned negated; EINVAL is the kernel's answer to negative offsets.
 */
public final class FileDataIo {
  /** {@link #pwritev}: the data and what is needed to read it are on the disk first. */
  public static final int RWF_DSYNC = 0x2;

  public static final int RWF_SYNC = 0x4;

  /** {@link #preadv}: EAGAIN rather than wait for the disk. */
  public static final int RWF_NOWAIT = 0x8;

  /** {@link #pwritev}: at the end of the file; the offset does not matter. */
  public static final int RWF_APPEND = 0x10;

  public static final int FALLOC_FL_KEEP_SIZE = 0x1;
  public static final int FALLOC_FL_PUNCH_HOLE = 0x2;
  public static final int FALLOC_FL_COLLAPSE_RANGE = 0x8;
  public static final int FALLOC_FL_ZERO_RANGE = 0x10;
  public static final int FALLOC_FL_INSERT_RANGE = 0x20;
  public static final int FALLOC_FL_UNSHARE_RANGE = 0x40;

  public static final int SEEK_SET = 0;
  public static final int SEEK_CUR = 1;
  public static final int SEEK_END = 2;

  /** The next byte that is in no hole; ENXIO if there is none. */
  public static final int SEEK_DATA = 3;

  /** The next hole; there is one at the end of each file. */
  public static final int SEEK_HOLE = 4;

  private static final int IOV_MAX = 1024;

  private FileDataIo() {}

  /**
   * pread(2).
   *
   * @return how many bytes were read, 0 at the end of the file
   */
  public static long pread(int fd, long address, long count, long offset) {
    return SystemCall.call(SystemCall.PREAD64, fd, address, count, offset);
  }

  /**
   * pwrite(2). With O_APPEND the kernel writes at the end of the file, whatever the offset.
   *
   * @return how many bytes were written, perhaps fewer than given
   */
  public static long pwrite(int fd, long address, long count, long offset) {
    return SystemCall.call(SystemCall.PWRITE64, fd, address, count, offset);
  }

  /**
   * preadv2(2) into the first 1024 ranges that are left; does not advance them.
   *
   * @param flags 0 or RWF_ values; EOPNOTSUPP for those that the file does not have
   * @return how many bytes were read, 0 at the end of the file
   */
  public static long preadv(int fd, IoVector target, long offset, int flags) {
    return vector(SystemCall.PREADV2, fd, target, offset, flags);
  }

  /**
   * pwritev2(2) of the first 1024 ranges that are left; does not advance them.
   *
   * @param flags 0 or RWF_ values; EOPNOTSUPP for those that the file does not have
   * @return how many bytes were written, perhaps fewer than given
   */
  public static long pwritev(int fd, IoVector source, long offset, int flags) {
    return vector(SystemCall.PWRITEV2, fd, source, offset, flags);
  }

  private static long vector(long call, int fd, IoVector ranges, long offset, int flags) {
    int count = Math.min(ranges.count(), IOV_MAX);
    if (offset < 0) {
      return -Errno.EINVAL; // to these two calls, -1 would be the descriptor's own offset
    }
    // The offset comes in two halves, of which the first one has all of it on 64 bits.
    long result = SystemCall.call(call, fd, ranges.address(), count, offset, 0, flags);
    Reference.reachabilityFence(ranges);
    return result;
  }

  /**
   * fallocate(2): makes sure of space, or takes it away.
   *
   * @param mode 0 or FALLOC_FL_ values; EOPNOTSUPP for those that the file system does not have
   */
  public static int fallocate(int fd, int mode, long offset, long length) {
    return (int) SystemCall.call(SystemCall.FALLOCATE, fd, mode, offset, length);
  }

  /**
   * copy_file_range(2) of at most 2 GiB less a page.
   *
   * @param offsets 16 bytes of the calling thread's, written to
   * @return how many bytes were copied, perhaps fewer than given, 0 at the end of the file;
   *     negated: EXDEV between some file systems, EINVAL if the ranges of one file overlap
   */
  public static long copyFileRange(
      int from, long fromOffset, int to, long toOffset, long length, NativeMemory offsets) {
    offsets.buffer().putLong(0, fromOffset).putLong(8, toOffset);
    long at = offsets.address();
    long result = SystemCall.call(SystemCall.COPY_FILE_RANGE, from, at, to, at + 8, length, 0);
    Reference.reachabilityFence(offsets);
    return result;
  }

  /**
   * lseek(2), of files and of directories, there to 0 or to an offset that {@link DirectoryEntries}
   * had.
   *
   * @param whence a SEEK_ value
   * @return the offset
   */
  public static long seek(int fd, long offset, int whence) {
    return SystemCall.call(SystemCall.LSEEK, fd, offset, whence);
  }

  /** ftruncate(2), of a file open for writing. */
  public static int truncate(int fd, long length) {
    return (int) SystemCall.call(SystemCall.FTRUNCATE, fd, length);
  }

  /** fsync(2), of a file or a directory. After a failure the next one may say success. */
  public static int fsync(int fd) {
    return (int) SystemCall.call(SystemCall.FSYNC, fd);
  }

  /** fdatasync(2): as {@link #fsync} without what is not needed to read the data. */
  public static int fdatasync(int fd) {
    return (int) SystemCall.call(SystemCall.FDATASYNC, fd);
  }

  /** syncfs(2): all of the file system that an open file lies in. */
  public static int syncfs(int fd) {
    return (int) SystemCall.call(SystemCall.SYNCFS, fd);
  }
}
