// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

/**
 * Descriptors to wait for with poll(2). Used by one thread at a time.
 *
 * <pre>
 * struct pollfd {      offset
 *   int   fd;               0
 *   short events;           4
 *   short revents;          6
 * };
 * </pre>
 */
public final class PollSet {
  /** There is something to read, or the end. */
  public static final int READABLE = 1;

  /** There is room to write. */
  public static final int WRITABLE = 4;

  private static final int ENTRY_BYTES = 8;
  private static final int EVENTS = 4;
  private static final int RETURNED = 6;

  private final NativeMemory entries;
  private final int size;

  /**
   * A set that waits for nothing.
   *
   * @param size how many descriptors it has room for
   */
  public PollSet(int size) {
    this.size = size;
    entries = new NativeMemory(size * ENTRY_BYTES);
    for (int i = 0; i < size; i++) {
      ignore(i);
    }
  }

  /**
   * Waits for a descriptor from the next {@link #poll} on.
   *
   * @param index from 0
   * @param fd must stay open as long as it is in the set
   * @param events {@link #READABLE}, {@link #WRITABLE} or both; errors and hang-ups always count
   */
  public void watch(int index, int fd, int events) {
    entries.buffer().putInt(index * ENTRY_BYTES, fd);
    entries.buffer().putShort(index * ENTRY_BYTES + EVENTS, (short) events);
  }

  /** Passes over an entry until it is watched again. */
  public void ignore(int index) {
    watch(index, -1, 0); // poll(2) passes over a negative descriptor and clears its revents
  }

  /**
   * Waits until one of the descriptors is ready.
   *
   * @param timeoutMilliseconds how long at most; negative is for ever
   * @return how many are ready; 0 when the time ran out or a signal ended the wait early
   */
  public int poll(int timeoutMilliseconds) {
    int ready = Libc.poll(entries.address(), size, timeoutMilliseconds);
    if (ready < 0) {
      // The kernel leaves revents as they were, and they may tell of an earlier call.
      for (int i = 0; i < size; i++) {
        entries.buffer().putShort(i * ENTRY_BYTES + RETURNED, (short) 0);
      }
      return 0;
    }
    return ready;
  }

  /** True if the last {@link #poll} found the descriptor ready, in error or hung up. */
  public boolean isReady(int index) {
    return entries.buffer().getShort(index * ENTRY_BYTES + RETURNED) != 0;
  }
}
