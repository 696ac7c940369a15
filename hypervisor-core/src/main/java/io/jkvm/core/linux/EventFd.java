// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

/**
 * An eventfd(2) counter: the doorbell between guest, kernel and workers. {@link #signal} may be
 * called by any thread; {@link #await} and {@link #clear} by one thread at a time. The descriptor
 * blocks, so that waiting for ever is one system call.
 */
public final class EventFd implements AutoCloseable {
  private final Fd fd;
  private final NativeMemory one = new NativeMemory(8);
  private final NativeMemory count = new NativeMemory(8);
  private final PollSet readable = new PollSet(1);

  public EventFd() throws LinuxException {
    fd = new Fd(LinuxException.check("eventfd", Libc.eventfd(0, Libc.EFD_CLOEXEC)));
    one.buffer().putLong(0, 1);
    readable.watch(0, fd.value(), PollSet.READABLE);
  }

  public Fd fd() {
    return fd;
  }

  /** Adds 1. Never blocks, because nobody can ring as often as to fill the counter (2^64 - 2). */
  public void signal() {
    Libc.write(fd.value(), one.address(), 8);
  }

  /** Sets the counter to 0; true if it was not 0. */
  public boolean clear() {
    return await(0);
  }

  /**
   * Waits until the counter is not 0, then sets it to 0.
   *
   * @param timeoutMilliseconds how long at most; negative is for ever
   * @return false when the time ran out or a signal to this thread ended the wait early
   */
  public boolean await(int timeoutMilliseconds) {
    if (timeoutMilliseconds >= 0 && readable.poll(timeoutMilliseconds) == 0) {
      return false;
    }
    return Libc.read(fd.value(), count.address(), 8) == 8;
  }

  @Override
  public void close() {
    fd.close();
  }
}
