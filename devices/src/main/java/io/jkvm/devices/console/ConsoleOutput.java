// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.PollSet;
import io.jkvm.devices.serial.SerialSink;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A queue of 64 KiB between the guest's serial port and a file descriptor that may be slow or stuck
 * for ever. A thread of its own writes whatever is there, many bytes a call.
 *
 * <p>A full queue throttles the guest: {@link #hasRoom} is false, and a guest that sends all the
 * same is held for 100 ms, once, before bytes get lost; after that it is not held again until the
 * descriptor took something. A failed write (EPIPE, ENOSPC, EIO...) is reported once, and what
 * follows is discarded, as it is when the writer ends for any other reason.
 *
 * <p>The writer is a daemon thread that {@link #close(long)} leaves behind if the kernel does not
 * return from write(2), so nothing here can keep the process from ending.
 */
public final class ConsoleOutput implements SerialSink, AutoCloseable {
  private static final int CAPACITY_BYTES = 64 << 10;

  /** POSIX PIPE_BUF: a write of this much to a pipe that polls as writable does not block. */
  private static final int CHUNK_BYTES = 4096;

  /** How long the first byte after silence waits for company; a person does not notice. */
  private static final long GATHER_MILLISECONDS = 1;

  private static final int HOLD_MILLISECONDS = 100;
  private static final long CLOSE_MILLISECONDS = 1000;
  private static final int DESCRIPTOR = 0;
  private static final int WAKE_UP = 1;

  private final Object lock = new Object();
  private final NativeMemory queue = new NativeMemory(CAPACITY_BYTES);
  private final PollSet ready = new PollSet(2);
  private final EventFd wakeUp = new EventFd();
  private final int fd;
  private final String name;
  private final Consumer<LinuxException> onFailure;
  private final Thread writer;
  private final RoomListeners roomListeners;
  private final LogLimit warnings = new LogLimit(ConsoleOutput.class, 3);

  // Bytes ever written to the descriptor and ever put in; written with the lock held.
  private volatile long head;
  private volatile long tail;

  private volatile boolean discarding;
  private volatile boolean roomAwaited;
  private boolean writerIdle;
  private boolean stuck;
  private boolean neverHold;
  private boolean closing;
  private boolean abandoned;
  private boolean finished;
  private boolean failed;

  /**
   * Starts the writer.
   *
   * @param fd where the bytes go; not closed here, and must stay open until {@link #hasEnded} or
   *     the process ends
   * @param name for error messages and the thread's name: "standard output"
   * @param onFailure told of the first failed write, on the writer's thread
   * @throws LinuxException if the host has no eventfd left
   */
  public ConsoleOutput(Fd fd, String name, Consumer<LinuxException> onFailure)
      throws LinuxException {
    this.fd = fd.value();
    this.name = name;
    this.onFailure = onFailure;
    roomListeners = new RoomListeners(name);
    ready.watch(DESCRIPTOR, this.fd, PollSet.WRITABLE);
    ready.watch(WAKE_UP, wakeUp.fd().value(), PollSet.READABLE);
    writer = new Thread(this::run, "output to " + name);
    writer.setDaemon(true);
    writer.start();
  }

  @Override
  public boolean accept(byte value) {
    synchronized (lock) {
      if (discarding) {
        return true;
      }
      if (tail - head == CAPACITY_BYTES && !awaitSpace()) {
        return discarding;
      }
      queue.buffer().put((int) tail & (CAPACITY_BYTES - 1), value);
      tail = tail + 1;
      if (writerIdle) {
        writerIdle = false;
        lock.notifyAll();
      }
      return true;
    }
  }

  /** Waits for space of one byte; false if there is none in time or the queue has ended. */
  private boolean awaitSpace() {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(HOLD_MILLISECONDS);
    while (tail - head == CAPACITY_BYTES && !discarding && !neverHold && !stuck) {
      long remaining = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (remaining <= 0) {
        stuck = true;
      } else if (!pause(remaining)) {
        return false;
      }
    }
    return tail - head < CAPACITY_BYTES && !discarding;
  }

  /** Waits on the lock; false if this thread was interrupted. */
  private boolean pause(long milliseconds) {
    try {
      lock.wait(milliseconds);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public boolean hasRoom() {
    if (roomNow()) {
      return true;
    }
    roomAwaited = true;
    // Again: the writer may have made room before it could see that somebody waits.
    return roomNow();
  }

  private boolean roomNow() {
    return discarding || tail - head <= CAPACITY_BYTES - ROOM_BYTES;
  }

  @Override
  public void addRoomListener(Runnable listener) {
    roomListeners.add(listener);
  }

  @Override
  public void removeRoomListener(Runnable listener) {
    roomListeners.remove(listener);
  }

  /**
   * From now on no vCPU is held for a full queue: its bytes are lost at once. For a machine that is
   * about to stop.
   */
  public void stopHolding() {
    synchronized (lock) {
      neverHold = true;
      lock.notifyAll();
    }
  }

  /**
   * Takes no more bytes and waits until what is queued is written, then ends the writer.
   *
   * @param timeoutMilliseconds how long at most; what is left then is dropped
   * @return true if everything that was accepted was written
   */
  public boolean close(long timeoutMilliseconds) {
    synchronized (lock) {
      closing = true;
      discarding = true;
      lock.notifyAll();
      if (!await(() -> finished, timeoutMilliseconds)) {
        abandoned = true;
        wakeUp.signal();
      }
      return finished && !abandoned && !failed;
    }
  }

  /**
   * Waits until the queue is empty, or nothing will be written any more.
   *
   * @return false if it is not in that time
   */
  public boolean awaitEmpty(long timeoutMilliseconds) {
    synchronized (lock) {
      return await(() -> tail == head || finished, timeoutMilliseconds);
    }
  }

  /** Waits on the lock, which this thread holds, for what is told there. */
  private boolean await(BooleanSupplier condition, long timeoutMilliseconds) {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMilliseconds);
    long remaining = timeoutMilliseconds;
    while (!condition.getAsBoolean() && remaining > 0 && pause(remaining)) {
      remaining = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
    }
    return condition.getAsBoolean();
  }

  /** How much the descriptor has taken. */
  public long writtenBytes() {
    return head;
  }

  /** Whether the writer has ended, and with it all use of the descriptor. */
  public boolean hasEnded() {
    synchronized (lock) {
      return finished;
    }
  }

  @Override
  public void close() {
    close(CLOSE_MILLISECONDS);
  }

  private void run() {
    boolean done = false;
    try {
      while (awaitBytes()) {
        writeSome();
      }
      done = true;
    } catch (LinuxException e) {
      discard();
      report(e);
    } finally {
      discard();
      // A guest that waits for room must hear of the end, or it waits for ever.
      if (roomAwaited) {
        roomListeners.tell();
      }
      synchronized (lock) {
        failed = !done;
        finished = true;
        lock.notifyAll();
        wakeUp.close();
      }
    }
  }

  private void discard() {
    synchronized (lock) {
      discarding = true;
      lock.notifyAll();
    }
  }

  private void report(LinuxException failure) {
    try {
      onFailure.accept(failure);
    } catch (RuntimeException e) {
      warnings.warn("the report of \"" + failure.getMessage() + "\"", e.toString());
    }
  }

  /** Waits until there is something to write; false if there never will be. */
  private boolean awaitBytes() {
    synchronized (lock) {
      boolean gather = false;
      while (tail == head && !closing) {
        writerIdle = true;
        gather = true;
        if (!pause(0)) {
          return false;
        }
      }
      if (gather && !closing) {
        pause(GATHER_MILLISECONDS);
      }
      return tail != head && !abandoned;
    }
  }

  private void writeSome() throws LinuxException {
    long start = head;
    int position = (int) start & (CAPACITY_BYTES - 1);
    long length = Math.min(tail - start, Math.min(CHUNK_BYTES, CAPACITY_BYTES - position));
    ready.poll(-1);
    if (!ready.isReady(DESCRIPTOR)) {
      return; // a signal, or close() gave up
    }
    long written = FileIo.write(fd, queue.address() + position, length);
    if (written == -Errno.EAGAIN) {
      return;
    }
    if (written < 0) {
      throw new LinuxException("write to " + name, (int) -written);
    }
    synchronized (lock) {
      head = start + written;
      stuck = false;
      lock.notifyAll();
    }
    if (roomAwaited && roomNow()) {
      roomAwaited = false;
      roomListeners.tell();
    }
  }
}
