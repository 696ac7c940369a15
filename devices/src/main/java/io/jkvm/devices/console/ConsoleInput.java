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
  public static final String HELP =
      "Ctrl-A x  stop the virtual machine\n"
          + "Ctrl-A h  this help\n"
          + "Ctrl-A a  send Ctrl-A to the guest (or Ctrl-A twice)\n";

  private static final int STANDARD_INPUT = 0;
  private static final int INPUT = 0;
  private static final int WAKE = 1;
  private static final byte CTRL_A = 1;
  private static final int BUFFER_BYTES = 256;
  private static final int WAITING_BYTES = 4096;
  private static final int RETRY_MILLISECONDS = 20;

  /** Where input goes. */
  public interface Sink {
    /** Takes as many bytes as fit and returns how many. */
    int receive(byte[] bytes, int from, int length);
  }

  private final Sink sink;
  private final boolean escapes;
  private final Runnable stop;
  private final Runnable help;
  private final EventFd wake = new EventFd();
  private final Thread thread = new Thread(this::run, "console-input");
  private volatile boolean closing;
  private boolean escaped;

  // Of the thread only: bytes that the guest has not taken yet.
  private final byte[] waiting = new byte[WAITING_BYTES];
  private int waitingBytes;

  public ConsoleInput(Sink sink, boolean escapes, Runnable stop, Runnable help)
      throws LinuxException {
    this.sink = sink;
    this.escapes = escapes;
    this.stop = stop;
    this.help = help;
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
      if (!ended && (escapes || waitingBytes == 0)) {
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
          keep(escapes ? kept : bytes, escapes ? unescape(bytes, (int) count, kept) : (int) count);
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

  /**
   * Acts on Ctrl-A commands and keeps the guest's bytes.
   *
   * @param kept takes them; longer than {@code count} by one, for a Ctrl-A that was read before
   * @return how many were kept
   */
  int unescape(byte[] keys, int count, byte[] kept) {
    int length = 0;
    for (int i = 0; i < count; i++) {
      byte key = keys[i];
      if (!escaped) {
        escaped = key == CTRL_A;
        if (!escaped) {
          kept[length++] = key;
        }
        continue;
      }
      escaped = false;
      switch (key) {
        case 'x', 'X' -> stop.run();
        case 'h', 'H', '?' -> help.run();
        case 'a', CTRL_A -> kept[length++] = CTRL_A;
        default -> {
          kept[length++] = CTRL_A;
          kept[length++] = key;
        }
      }
    }
    return length;
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
