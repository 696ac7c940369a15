// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.tap;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.TapQueue;
import io.jkvm.devices.network.Frame;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.VnetHeader;
import java.util.concurrent.TimeUnit;
import org.slf4j.LoggerFactory;

/** One queue of a tap interface: the thread that reads it, and writing to it. */
final class TapQueuePair {
  /** The header lies directly before the frame, in its headroom. */
  private static final int READ_INDEX = Frame.HEADROOM_BYTES - VnetHeader.BYTES;

  private static final int READ_BYTES = VnetHeader.BYTES + Frame.MAX_BYTES;
  private static final int ROOM_MILLISECONDS = 100;
  private static final int PAUSE_MILLISECONDS = 100;

  private static final int POLLFD_BYTES = 8;
  private static final int POLLFD_EVENTS = 4;
  private static final int POLLFD_RETURNED_EVENTS = 6;

  private final int index;
  private final TapQueue queue;
  private final TapBackend backend;
  private final Frame frame = new Frame();
  private final NativeMemory pollFds = new NativeMemory(2 * POLLFD_BYTES);
  private Thread thread;
  private volatile boolean stopping;

  // Guarded by this, as every use of the queue outside its thread.
  private boolean open = true;

  /**
   * A pair that does not read yet.
   *
   * @param wake ends waiting for frames; closed by its owner after {@link #join}
   */
  TapQueuePair(int index, TapQueue queue, EventFd wake, TapBackend backend) {
    this.index = index;
    this.queue = queue;
    this.backend = backend;
    setPollFd(0, wake.fd().value());
    setPollFd(POLLFD_BYTES, queue.fd().value());
  }

  private void setPollFd(int offset, int fd) {
    pollFds.buffer().putInt(offset, fd).putShort(offset + POLLFD_EVENTS, (short) Libc.POLLIN);
  }

  void start(NetworkCard card) {
    thread = new Thread(() -> run(card), backend.name() + " rx " + index);
    thread.setDaemon(true);
    thread.start();
  }

  void requestStop() {
    stopping = true;
  }

  /**
   * Waits for the end of the thread, if there is one.
   *
   * @return false if it still runs after the time
   */
  boolean join(long milliseconds) {
    if (thread == null) {
      return true;
    }
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(milliseconds);
    boolean interrupted = false;
    for (long left = deadline - System.nanoTime();
        thread.isAlive() && left > 0;
        left = deadline - System.nanoTime()) {
      try {
        thread.join(left / 1_000_000 + 1);
      } catch (InterruptedException e) {
        interrupted = true; // remembered, but the thread's end is waited for
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }

  private void run(NetworkCard card) {
    try {
      while (!stopping) {
        int ready = Libc.poll(pollFds.address(), 2, -1);
        if (ready < 0 && Libc.errno() != Errno.EINTR) {
          backend.fail(card, Libc.errno());
          return;
        }
        if (ready > 0 && !stopping && !drain(card)) {
          return;
        }
      }
    } catch (RuntimeException | Error e) {
      LoggerFactory.getLogger(TapQueuePair.class).error("tap {}", backend.name(), e);
    }
  }

  /** Reads until there is nothing left; false if there never will be again. */
  private boolean drain(NetworkCard card) {
    boolean any = false;
    while (!stopping) {
      long bytes = queue.read(frame.address() + READ_INDEX, READ_BYTES);
      if (bytes >= VnetHeader.BYTES + Frame.MIN_BYTES) {
        any = true;
        frame.reset();
        frame.header().read(frame.bytes(), READ_INDEX);
        frame.bytes().writerIndex(READ_INDEX + (int) bytes);
        deliver(card);
      } else if (bytes == -Errno.EAGAIN || bytes == 0) {
        pauseAfterError(any);
        return true;
      } else if (bytes < 0 && bytes != -Errno.EINTR) {
        backend.fail(card, (int) -bytes);
        return false;
      }
    }
    return true;
  }

  /** Errors that poll reports and reading does not show must not make the thread spin. */
  private void pauseAfterError(boolean any) {
    int events = pollFds.buffer().getShort(POLLFD_BYTES + POLLFD_RETURNED_EVENTS);
    if (!any && (events & (Libc.POLLERR | Libc.POLLHUP)) != 0) {
      Libc.poll(pollFds.address(), 1, PAUSE_MILLISECONDS);
    }
  }

  private void deliver(NetworkCard card) {
    while (!card.receive(index, frame) && !stopping) {
      card.awaitRoom(index, ROOM_MILLISECONDS);
    }
  }

  synchronized boolean transmit(Frame sent) {
    if (!open) {
      return false;
    }
    int start = sent.bytes().readerIndex() - VnetHeader.BYTES;
    sent.header().write(sent.bytes(), start, 0);
    int bytes = VnetHeader.BYTES + sent.length();
    long written;
    do {
      written = queue.write(sent.address() + start, bytes);
    } while (written == -Errno.EINTR);
    return written == bytes;
  }

  synchronized void setOffloads(int offloads) throws LinuxException {
    if (open) {
      queue.setOffloads(offloads);
    }
  }

  synchronized void close() {
    open = false;
    queue.close();
  }
}
