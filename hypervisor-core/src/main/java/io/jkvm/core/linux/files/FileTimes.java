// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;

/**
 * {@code struct timespec[2]}: the times of access and modification that {@link HandleIo#utimens}
 * sets. At first both are left as they are.
 */
public final class FileTimes {
  private static final long UTIME_NOW = (1L << 30) - 1;
  private static final long UTIME_OMIT = (1L << 30) - 2;
  private static final long NANOSECONDS = 1_000_000_000;

  private static final int ACCESS = 0;
  private static final int MODIFICATION = 16;
  private static final int BYTES = 32;

  private final NativeMemory memory = new NativeMemory(BYTES);

  /** Nothing is to be changed. */
  public FileTimes() {
    clear();
  }

  /** Nothing is to be changed. */
  public void clear() {
    put(ACCESS, 0, UTIME_OMIT);
    put(MODIFICATION, 0, UTIME_OMIT);
  }

  /**
   * The time of access is to be this one.
   *
   * @param seconds since 1970, may be negative; a file system that can't store it takes the nearest
   * @param nanoseconds 0 to 999999999
   * @return 0, or EINVAL negated if the nanoseconds are none: some of those numbers mean other
   *     things to the kernel
   */
  public int setAccess(long seconds, long nanoseconds) {
    return set(ACCESS, seconds, nanoseconds);
  }

  /** The time of access is to be now, which who may write to the file may set, too. */
  public void setAccessNow() {
    put(ACCESS, 0, UTIME_NOW);
  }

  /** The time of modification is to be this one; as {@link #setAccess}. */
  public int setModification(long seconds, long nanoseconds) {
    return set(MODIFICATION, seconds, nanoseconds);
  }

  /** The time of modification is to be now; as {@link #setAccessNow}. */
  public void setModificationNow() {
    put(MODIFICATION, 0, UTIME_NOW);
  }

  private int set(int at, long seconds, long nanoseconds) {
    if (nanoseconds < 0 || nanoseconds >= NANOSECONDS) {
      return -Errno.EINVAL;
    }
    put(at, seconds, nanoseconds);
    return 0;
  }

  private void put(int at, long seconds, long nanoseconds) {
    memory.buffer().putLong(at, seconds).putLong(at + 8, nanoseconds);
  }

  long address() {
    return memory.address();
  }
}
