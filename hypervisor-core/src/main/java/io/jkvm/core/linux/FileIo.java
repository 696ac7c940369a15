// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

/**
 * Reading and writing of files, block devices, pipes and terminals. A call that a signal interrupts
 * is made again, so EINTR never shows.
 *
 * <p>What is called for each request returns its failure as a negated {@link Errno}, because an
 * exception would cost an allocation; what is called once throws.
 */
public final class FileIo {
  private static final int IOV_MAX = 1024;

  /** By number: older C libraries have no function for it. */
  private static final long PREADV2 = 327;

  private static final int RWF_NOWAIT = 8;

  private static final long LSEEK = 8;
  private static final int SEEK_END = 2;

  private static final int FALLOC_FL_KEEP_SIZE = 1;
  private static final int FALLOC_FL_PUNCH_HOLE = 2;
  private static final int FALLOC_FL_ZERO_RANGE = 16;

  private static final long BLKSSZGET = Ioctl.io(0x12, 104);
  private static final long BLKROGET = Ioctl.io(0x12, 94);
  private static final long BLKGETSIZE64 = Ioctl.ior(0x12, 114, 8);

  private static final int F_OFD_SETLK = 37;
  private static final short F_RDLCK = 0;
  private static final short F_WRLCK = 1;
  private static final short F_UNLCK = 2;
  private static final int FLOCK_BYTES = 32;

  private FileIo() {}

  /**
   * read(2): waits for bytes where the descriptor blocks.
   *
   * @return how many came, 0 at the end, or an {@link Errno} negated
   */
  public static long read(int fd, long address, long count) {
    long result;
    do {
      result = result(Libc.read(fd, address, count));
    } while (result == -Errno.EINTR);
    return result;
  }

  /**
   * write(2).
   *
   * @return how many bytes were taken, perhaps fewer than given, or an {@link Errno} negated
   */
  public static long write(int fd, long address, long count) {
    long result;
    do {
      result = result(Libc.write(fd, address, count));
    } while (result == -Errno.EINTR);
    return result;
  }

  /**
   * pread(2).
   *
   * @return how many bytes were read, 0 at the end of the file, or an {@link Errno} negated
   */
  public static long pread(Fd fd, long address, long count, long offset) {
    long result;
    do {
      result = result(Libc.pread(fd.value(), address, count, offset));
    } while (result == -Errno.EINTR);
    return result;
  }

  /**
   * pwrite(2).
   *
   * @return how many bytes were written, perhaps fewer than given, or an {@link Errno} negated
   */
  public static long pwrite(Fd fd, long address, long count, long offset) {
    long result;
    do {
      result = result(Libc.pwrite(fd.value(), address, count, offset));
    } while (result == -Errno.EINTR);
    return result;
  }

  /**
   * preadv(2) into the first 1024 ranges that are left; does not advance them.
   *
   * @return how many bytes were read, 0 at the end of the file, or an {@link Errno} negated
   */
  public static long preadv(Fd fd, IoVector target, long offset) {
    int count = Math.min(target.count(), IOV_MAX);
    long result;
    do {
      result = result(Libc.preadv(fd.value(), target.address(), count, offset));
    } while (result == -Errno.EINTR);
    return result;
  }

  /**
   * preadv2(2) with RWF_NOWAIT: as {@link #preadv}, of what is in the page cache alone.
   *
   * @return EAGAIN negated if none of it is, EOPNOTSUPP if the file system can't say
   */
  public static long preadvCached(Fd fd, IoVector target, long offset) {
    int count = Math.min(target.count(), IOV_MAX);
    long result;
    do {
      result =
          result(Libc.syscall(PREADV2, fd.value(), target.address(), count, offset, 0, RWF_NOWAIT));
    } while (result == -Errno.EINTR);
    return result;
  }

  /**
   * pwritev(2) of the first 1024 ranges that are left; does not advance them.
   *
   * @return how many bytes were written, perhaps fewer than given, or an {@link Errno} negated
   */
  public static long pwritev(Fd fd, IoVector source, long offset) {
    int count = Math.min(source.count(), IOV_MAX);
    long result;
    do {
      result = result(Libc.pwritev(fd.value(), source.address(), count, offset));
    } while (result == -Errno.EINTR);
    return result;
  }

  /**
   * fdatasync(2). After a failure the kernel may have dropped what was to be written and says
   * success the next time: a failure is final.
   *
   * @return 0, or an {@link Errno} negated
   */
  public static int fdatasync(Fd fd) {
    long result;
    do {
      result = result(Libc.fdatasync(fd.value()));
    } while (result == -Errno.EINTR);
    return (int) result;
  }

  /**
   * Gives the blocks of a range back to the host; it reads as zeroes then. The length of the file
   * stays.
   *
   * @return 0, or an {@link Errno} negated: EOPNOTSUPP or ENODEV if this file can't do it, EINVAL
   *     also if a block device can't with this alignment
   */
  public static int punchHole(Fd fd, long offset, long length) {
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
  }

  /** Zeroes a range and keeps its blocks; otherwise as {@link #punchHole}. */
  public static int zeroRange(Fd fd, long offset, long length) {
    return fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length);
  }

  private static int fallocate(Fd fd, int mode, long offset, long length) {
    long result;
    do {
      result = result(Libc.fallocate(fd.value(), mode, offset, length));
    } while (result == -Errno.EINTR);
    return (int) result;
  }

  /** Cuts or extends a file; what is added reads as zeroes and takes no space. */
  public static void truncate(Fd fd, long length) throws LinuxException {
    long result;
    do {
      result = result(Libc.ftruncate(fd.value(), length));
    } while (result == -Errno.EINTR);
    check("ftruncate", result);
  }

  /**
   * Locks a whole file, however long it is, without waiting. The lock is one of the open file
   * description (fcntl(2), F_OFD_SETLK): two opens exclude each other in one process too, and it
   * ends with the last descriptor.
   *
   * <pre>
   * struct flock {        offset
   *   short l_type;            0    F_RDLCK, F_WRLCK
   *   short l_whence;          2    SEEK_SET
   *   off_t l_start;           8    0
   *   off_t l_len;            16    0: to the end and beyond
   *   pid_t l_pid;            24    0
   * };
   * </pre>
   *
   * @param exclusive false to share it with others that do not write
   * @return false if another open file has a lock that excludes this one
   * @throws LinuxException if the file can't be locked at all
   */
  public static boolean tryLock(Fd fd, boolean exclusive) throws LinuxException {
    long result = setLock(fd, exclusive ? F_WRLCK : F_RDLCK);
    if (result == -Errno.EAGAIN || result == -Errno.EACCES) {
      return false;
    }
    check("fcntl F_OFD_SETLK", result);
    return true;
  }

  /**
   * Gives up the lock of {@link #tryLock} at once. It would end with the open file only, which the
   * kernel may hold for a moment after the last descriptor was closed.
   */
  public static void unlock(Fd fd) {
    setLock(fd, F_UNLCK);
  }

  private static long setLock(Fd fd, short type) {
    NativeMemory flock = new NativeMemory(FLOCK_BYTES);
    flock.buffer().putShort(0, type);
    long result = result(Libc.fcntl(fd.value(), F_OFD_SETLK, flock.address()));
    java.lang.ref.Reference.reachabilityFence(flock);
    return result;
  }

  /**
   * How long a file is, or how large a block device, by now: lseek(2) to the end, which moves an
   * offset that nothing here uses.
   *
   * @return bytes, or an {@link Errno} negated: ESPIPE for what has no length
   */
  public static long size(Fd fd) {
    return result(Libc.syscall(LSEEK, fd.value(), 0, SEEK_END, 0, 0, 0));
  }

  /** The size of a block device in bytes; 0 without a medium. */
  public static long blockDeviceBytes(Fd fd) throws LinuxException {
    return ask(fd, "BLKGETSIZE64", BLKGETSIZE64).buffer().getLong(0);
  }

  /** The logical block size of a block device in bytes: what it can read and write at once. */
  public static int logicalBlockBytes(Fd fd) throws LinuxException {
    return ask(fd, "BLKSSZGET", BLKSSZGET).buffer().getInt(0);
  }

  /** Whether a block device takes no writes, however it was opened. */
  public static boolean isReadOnlyDevice(Fd fd) throws LinuxException {
    return ask(fd, "BLKROGET", BLKROGET).buffer().getInt(0) != 0;
  }

  private static NativeMemory ask(Fd fd, String name, long number) throws LinuxException {
    NativeMemory answer = new NativeMemory(8);
    check(name, Ioctl.call(fd.value(), number, answer.address()));
    java.lang.ref.Reference.reachabilityFence(answer);
    return answer;
  }

  private static long result(long returned) {
    return returned < 0 ? -Libc.errno() : returned;
  }

  private static void check(String call, long result) throws LinuxException {
    if (result < 0) {
      throw new LinuxException(call, (int) -result);
    }
  }
}
