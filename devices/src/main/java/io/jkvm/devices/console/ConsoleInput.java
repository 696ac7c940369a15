// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.PollSet;

/**
 * The thread that carries standard input to the guest's serial port. Takes from standard input only
 * what the guest has room for, so that a pipe is held back rather than cut. On a terminal Ctrl-A
 * starts a command to jkvm itself.
 */
public final class ConsoleInput implements AutoCloseable {
  private static final int STANDARD_INPUT = 0;
  private static final int INPUT = 0;
  private static final int WAKE = 1;
  private static final int BUFFER_BYTES = 256;
  private static final int WAITING_BYTES = 4096;
  private static final int RETRY_MILLISECONDS = 20;

  /** Where input goes. */
  public interface Sink {
    /** Takes as many bytes as fit and returns how many. */
    int receive(byte[] bytes, int from, int length);
  }

  /** Takes out of what is typed what is not for the guest. */
  @FunctionalInterface
  public interface KeyFilter {
    /**
     * Looks at what is typed.
     *
     * @param kept takes what the guest gets; longer than {@code count} by one
     * @return how many bytes that is; -1 for all as they are
     */
    int filter(byte[] keys, int count, byte[] kept);
  }

  private final Sink sink;
  private final KeyFilter filter;
  private final boolean interactive;
  private final EventFd wake = new EventFd();
  private final Thread thread = new Thread(this::run, "console-input");
  private volatile boolean closing;

  // Of the thread only: bytes that the guest has not taken yet.
  private final byte[] waiting = new byte[WAITING_BYTES];
  private int waitingBytes;

  /**
   * A thread that is not started yet.
   *
   * @param interactive whether the filter must see each key at once, even if the guest is deaf
   */
  public ConsoleInput(Sink sink, KeyFilter filter, boolean interactive) throws LinuxException {
    this.sink = sink;
    this.filter = filter;
    this.interactive = interactive;
    thread.setDaemon(true);
  }

  public void start() {
    thread.start();
  }

  /** To be called when the guest has made room. */
  public void roomAvailable() {
    if (!closing) {
      wake.signal();
    }
  }

  private void run() {
    NativeMemory buffer = new NativeMemory(BUFFER_BYTES);
    PollSet ready = new PollSet(2);
    ready.watch(WAKE, wake.fd().value(), PollSet.READABLE);
    byte[] bytes = new byte[BUFFER_BYTES];
    byte[] kept = new byte[BUFFER_BYTES + 1];
    boolean ended = false;
    while (!closing && !(ended && waitingBytes == 0)) {
      // A pipe is held back while the guest has no room. A person is not: Ctrl-A must work even if
      // the guest does not listen.
      if (!ended && (interactive || waitingBytes == 0)) {
        ready.watch(INPUT, STANDARD_INPUT, PollSet.READABLE);
      } else {
        ready.ignore(INPUT);
      }
      ready.poll(waitingBytes == 0 ? -1 : RETRY_MILLISECONDS);
      if (ready.isReady(WAKE)) {
        wake.clear();
      }
      if (ready.isReady(INPUT)) {
        long count = FileIo.read(STANDARD_INPUT, buffer.address(), BUFFER_BYTES);
        if (count > 0) {
          buffer.buffer().get(0, bytes, 0, (int) count);
          int left = filter.filter(bytes, (int) count, kept);
          keep(left < 0 ? bytes : kept, left < 0 ? (int) count : left);
        } else if (count != -Errno.EAGAIN) {
          ended = true; // the guest runs on without
        }
      }
      deliver();
    }
  }

  /** Adds bytes to those that wait for the guest; what a deaf guest has no room for is lost. */
  private void keep(byte[] bytes, int count) {
    int fitting = Math.min(count, waiting.length - waitingBytes);
    System.arraycopy(bytes, 0, waiting, waitingBytes, fitting);
    waitingBytes += fitting;
  }

  private void deliver() {
    if (waitingBytes > 0) {
      int taken = sink.receive(waiting, 0, waitingBytes);
      System.arraycopy(waiting, taken, waiting, 0, waitingBytes - taken);
      waitingBytes -= taken;
    }
  }

  /** Ends the thread; calling it twice is harmless. */
  @Override
  public void close() {
    if (closing) {
      return;
    }
    closing = true;
    wake.signal();
    try {
      thread.join(1000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!thread.isAlive()) {
      wake.close();
    }
  }
}
