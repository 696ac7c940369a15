// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.NativeMemory;
import java.lang.ref.Reference;

/**
 * Locks of open files, none of which waits: {@code struct flock} and the locks of an open file
 * description (fcntl(2), F_OFD_SETLK), and flock(2). Both end with the last descriptor of their
 * open file. An errno is returned negated.
 *
 * <pre>
 * struct flock {        offset
 *   short l_type;            0
 *   short l_whence;          2    SEEK_SET
 *   off_t l_start;           8
 *   off_t l_len;            16    0: to the end and beyond
 *   pid_t l_pid;            24    0
 * };
 * </pre>
 */
public final class FileLock {
  public static final int F_RDLCK = 0;
  public static final int F_WRLCK = 1;
  public static final int F_UNLCK = 2;

  public static final int LOCK_SH = 1;
  public static final int LOCK_EX = 2;
  public static final int LOCK_UN = 8;

  private static final int LOCK_NB = 4;
  private static final int F_OFD_GETLK = 36;
  private static final int F_OFD_SETLK = 37;
  private static final int BYTES = 32;

  private final NativeMemory memory = new NativeMemory(BYTES);

  /** A shared lock of a whole file, not taken yet. */
  public FileLock() {}

  /**
   * flock(2) without waiting: of the whole file, and apart from the locks of ranges.
   *
   * @param operation {@link #LOCK_SH}, {@link #LOCK_EX} or {@link #LOCK_UN}
   * @return 0, or EAGAIN negated if another open file has a lock that excludes this one
   */
  public static int flock(int fd, int operation) {
    return (int) SystemCall.call(SystemCall.FLOCK, fd, operation | LOCK_NB);
  }

  /**
   * Says what is to be locked.
   *
   * @param type {@link #F_RDLCK}, {@link #F_WRLCK} or {@link #F_UNLCK}
   * @param length in bytes, 0 for all from {@code start} on
   */
  public void set(int type, long start, long length) {
    memory.buffer().putShort(0, (short) type).putShort(2, (short) 0);
    memory.buffer().putLong(8, start).putLong(16, length).putInt(24, 0);
  }

  /**
   * Locks, or unlocks, what was {@link #set}.
   *
   * @param fd open for reading for F_RDLCK, for writing for F_WRLCK, or EBADF
   * @return 0, or EAGAIN negated if another open file or process has a lock that excludes it
   */
  public int tryLock(int fd) {
    return fcntl(fd, F_OFD_SETLK);
  }

  /**
   * Asks whether what was {@link #set} could be locked; after it {@link #type} is F_UNLCK if so,
   * else it and the others are those of a lock that excludes it.
   *
   * @return 0, or an errno negated
   */
  public int test(int fd) {
    return fcntl(fd, F_OFD_GETLK);
  }

  private int fcntl(int fd, int command) {
    long result = SystemCall.call(SystemCall.FCNTL, fd, command, memory.address());
    Reference.reachabilityFence(this);
    return (int) result;
  }

  public int type() {
    return memory.buffer().getShort(0);
  }

  public long start() {
    return memory.buffer().getLong(8);
  }

  /** 0 for all from {@link #start} on. */
  public long length() {
    return memory.buffer().getLong(16);
  }

  /** The process that has the lock; -1 for an open file description. */
  public int pid() {
    return memory.buffer().getInt(24);
  }
}
