// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import io.jkvm.devices.serial.SerialSink;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/**
 * A console's output between the one port that writes it and any number of readers: it keeps the
 * last 256 KiB for those that look later, and passes each byte on to the readers that are attached.
 * A port that writes faster than one of them reads is held back, as with that reader alone.
 *
 * <p>Lock order: the port's lock, then this one. Readers are called without this lock.
 */
public final class ConsoleHub implements SerialSink {
  /** How much output is kept. */
  public static final int HISTORY_BYTES = 256 << 10;

  private final byte[] history = new byte[HISTORY_BYTES];

  // Guarded by this.
  private long written;
  private int waiting;
  private boolean closed;
  private boolean ended;

  // Replaced as a whole, with this lock held; read without it for each byte.
  private volatile SerialSink[] readers = {};
  private final RoomListeners roomListeners = new RoomListeners("a console");
  private final Runnable readerHasRoom = this::tellOfRoom;

  @Override
  public boolean accept(byte value) {
    synchronized (this) {
      history[(int) written & (HISTORY_BYTES - 1)] = value;
      written++;
      if (waiting > 0) {
        notifyAll();
      }
    }
    boolean taken = true;
    for (SerialSink reader : readers) {
      taken &= reader.accept(value);
    }
    return taken;
  }

  @Override
  public boolean hasRoom() {
    boolean room = true;
    for (SerialSink reader : readers) {
      room &= reader.hasRoom(); // each is asked: it remembers that somebody waits for it
    }
    return room;
  }

  @Override
  public void addRoomListener(Runnable listener) {
    roomListeners.add(listener);
  }

  @Override
  public void removeRoomListener(Runnable listener) {
    roomListeners.remove(listener);
  }

  private void tellOfRoom() {
    if (hasRoom()) {
      roomListeners.tell();
    }
  }

  /** Adds a reader, which gets what comes from now on. */
  public synchronized void attach(SerialSink reader) {
    if (closed) {
      throw new IllegalStateException("the console's machine is closed");
    }
    SerialSink[] more = Arrays.copyOf(readers, readers.length + 1);
    more[readers.length] = reader;
    reader.addRoomListener(readerHasRoom);
    readers = more;
  }

  /** Takes a reader away; it may serve another console then. */
  public void detach(SerialSink reader) {
    synchronized (this) {
      readers = Arrays.stream(readers).filter(other -> other != reader).toArray(SerialSink[]::new);
    }
    reader.removeRoomListener(readerHasRoom);
    tellOfRoom(); // it may have been the one without
  }

  /** Takes all readers away and tells the port nothing any more; what is kept stays. */
  public void close() {
    SerialSink[] old;
    synchronized (this) {
      closed = true;
      old = readers;
      readers = new SerialSink[0];
      notifyAll();
    }
    for (SerialSink reader : old) {
      reader.removeRoomListener(readerHasRoom);
    }
  }

  /** How many bytes were ever written. */
  public synchronized long written() {
    return written;
  }

  /** The position of the oldest byte that is kept, counted from the first ever written. */
  public synchronized long oldest() {
    return Math.max(0, written - HISTORY_BYTES);
  }

  /**
   * What was written from a position on.
   *
   * @param from a position; what is not kept any more is left out
   */
  public synchronized byte[] since(long from) {
    long start = Math.max(from, oldest());
    byte[] bytes = new byte[(int) Math.max(0, written - start)];
    int at = (int) start & (HISTORY_BYTES - 1);
    int first = Math.min(bytes.length, HISTORY_BYTES - at);
    System.arraycopy(history, at, bytes, 0, first);
    System.arraycopy(history, 0, bytes, first, bytes.length - first);
    return bytes;
  }

  /**
   * Waits until something is written beyond a position, the console is closed, or {@link
   * #endWaits}.
   *
   * @param nanoseconds how long at most
   */
  public synchronized void awaitBeyond(long position, long nanoseconds)
      throws InterruptedException {
    if (written > position || closed || ended || nanoseconds <= 0) {
      return;
    }
    waiting++;
    try {
      TimeUnit.NANOSECONDS.timedWait(this, nanoseconds);
    } finally {
      waiting--;
    }
  }

  /** Nothing is awaited any more, as when the machine has stopped: ends all waits for output. */
  public synchronized void endWaits() {
    ended = true;
    notifyAll();
  }
}
