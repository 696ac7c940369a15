// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.tap;

import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.ThreadSignal;
import io.jkvm.core.linux.net.TapQueue;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.VnetHeader;
import java.util.concurrent.TimeUnit;
import org.slf4j.LoggerFactory;

/** One queue of a tap interface: the thread that reads it, and writing to it. */
final class TapQueuePair {
  /** The header lies directly before the frame, in its headroom. */
  private static final int READ_INDEX = Frame.HEADROOM_BYTES - VnetHeader.BYTES;

  private static final int READ_BYTES = VnetHeader.BYTES + Frame.MAX_BYTES;
  private static final int ROOM_MILLISECONDS = 100;
  private static final int SIGNAL_MILLISECONDS = 10;

  private final int index;
  private final TapQueue queue;
  private final TapBackend backend;
  private final Frame frame = new Frame();
  private WorkerThread thread;
  private volatile boolean stopping;

  // Guarded by this, as every use of the queue outside its thread.
  private final NativeMemory headerMemory = new NativeMemory(VnetHeader.BYTES);
  private final IoVector ranges = new IoVector(1 + Frame.MAX_RANGES);
  private boolean open = true;
  private int offloads = -1;

  /** The reading thread's, while it runs. */
  private ThreadSignal signal;

  /** A pair that does not read yet. */
  TapQueuePair(int index, TapQueue queue, TapBackend backend) {
    this.index = index;
    this.queue = queue;
    this.backend = backend;
  }

  void start(NetworkCard card) {
    thread =
        new WorkerThread(backend.card() + " " + backend.name() + " rx " + index, () -> run(card))
            .start();
  }

  void requestStop() {
    stopping = true;
  }

  /**
   * Interrupts the thread, if there is one, in its system calls until it has ended.
   *
   * @return false if it still runs after the time
   */
  boolean join(long milliseconds) {
    if (thread == null) {
      return true;
    }
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(milliseconds);
    while (thread.isAlive() && System.nanoTime() - deadline < 0) {
      interruptCall();
      thread.join(SIGNAL_MILLISECONDS);
    }
    return !thread.isAlive();
  }

  /** A signal that comes before the call has begun is in vain: to be repeated. */
  private synchronized void interruptCall() {
    if (signal != null) {
      signal.send();
    }
  }

  private synchronized void setSignal(ThreadSignal newSignal) {
    signal = newSignal;
  }

  private void run(NetworkCard card) {
    setSignal(ThreadSignal.current());
    try {
      readUntilStopped(card);
    } catch (RuntimeException | Error e) {
      LoggerFactory.getLogger(TapQueuePair.class).error("tap {}", backend.name(), e);
    } finally {
      setSignal(null);
    }
  }

  private void readUntilStopped(NetworkCard card) {
    while (!stopping) {
      long bytes = queue.read(frame.address() + READ_INDEX, READ_BYTES);
      if (bytes >= VnetHeader.BYTES + Frame.MIN_BYTES) {
        frame.reset();
        frame.header().read(frame.memory(), READ_INDEX);
        frame.bytes().writerIndex(READ_INDEX + (int) bytes);
        deliver(card);
      } else if (bytes < 0 && bytes != -Errno.EINTR) {
        backend.fail(card, (int) -bytes);
        return;
      }
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
    sent.header().write(sent.memory(), start, 0);
    int bytes = VnetHeader.BYTES + sent.length();
    long written;
    do {
      written = queue.write(sent.address() + start, bytes);
    } while (written == -Errno.EINTR);
    return written == bytes;
  }

  synchronized boolean transmitInPlace(VnetHeader header, IoVector sent) {
    if (!open) {
      return false;
    }
    header.write(headerMemory.buffer(), 0, 0);
    ranges.clear();
    ranges.add(headerMemory.address(), VnetHeader.BYTES);
    ranges.addAll(sent);
    long written;
    do {
      written = queue.write(ranges);
    } while (written == -Errno.EINTR);
    return written == ranges.remainingBytes();
  }

  /**
   * TUNSETOFFLOAD, unless nothing changes: the call takes a lock that the whole host's networking
   * shares, and a guest can ask for it in a loop.
   */
  synchronized boolean setOffloads(int mask) throws LinuxException {
    boolean changes = open && mask != offloads;
    if (changes) {
      queue.setOffloads(mask);
      offloads = mask;
    }
    return changes;
  }

  synchronized void close() {
    open = false;
    queue.close();
  }
}
