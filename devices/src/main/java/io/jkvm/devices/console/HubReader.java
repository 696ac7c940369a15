// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import io.jkvm.devices.serial.SerialSink;

/**
 * A position in what a {@link ConsoleHub} keeps. A reader that is too slow misses what the hub
 * keeps no more; one that holds the port back is waited for instead: from half of the history on it
 * has no room. The other half is for a port's driver that loses its patience, as Linux' does, which
 * sends a byte each 10 ms without being asked for it. No thread of the port's ever waits in here.
 *
 * <p>For one thread at a time, but for {@link #close}.
 */
public final class HubReader implements AutoCloseable {
  /** How far a reader that holds the port may be behind before it does. */
  public static final int BEHIND_BYTES = ConsoleHub.HISTORY_BYTES / 2;

  private final ConsoleHub hub;
  private final Pace pace = new Pace();
  private volatile long position;
  private volatile boolean roomAwaited;
  private long missed;

  private HubReader(ConsoleHub hub) {
    this.hub = hub;
  }

  /** A reader that begins with the oldest byte that is kept, and holds nobody. */
  public static HubReader of(ConsoleHub hub) {
    return new HubReader(hub);
  }

  /**
   * One that holds the port back, until it is closed.
   *
   * @throws IllegalStateException if the console's machine is closed
   */
  public static HubReader holding(ConsoleHub hub) {
    HubReader reader = new HubReader(hub);
    reader.position = hub.oldest();
    hub.attach(reader.pace);
    return reader;
  }

  /** All that there is from its position on; that stays where it is. */
  public byte[] peek() {
    byte[] bytes;
    synchronized (hub) {
      long oldest = hub.oldest();
      if (position < oldest) {
        missed += oldest - position;
        position = oldest;
      }
      bytes = hub.since(position);
    }
    return bytes;
  }

  /**
   * Takes some of it.
   *
   * @param count from 0 to what {@link #peek} has shown
   */
  public void skip(int count) {
    position += count;
    if (roomAwaited && roomNow()) {
      roomAwaited = false;
      pace.roomListeners.tell();
    }
  }

  /**
   * Waits until there is more than some bytes, as {@link ConsoleHub#awaitBeyond}.
   *
   * @param count bytes from its position on
   */
  public void awaitBeyond(int count, long nanoseconds) throws InterruptedException {
    hub.awaitBeyond(position + count, nanoseconds);
  }

  /** How many bytes were gone before it came to them. */
  public long missed() {
    return missed;
  }

  /** Holds the port no more. What is kept can still be read. */
  @Override
  public void close() {
    hub.detach(pace);
  }

  private boolean roomNow() {
    return hub.written() - position <= BEHIND_BYTES - SerialSink.ROOM_BYTES;
  }

  /** What the port sees of it: the bytes themselves are the hub's. */
  private final class Pace implements SerialSink {
    private final RoomListeners roomListeners = new RoomListeners("a console's reader");

    @Override
    public boolean accept(byte value) {
      return true;
    }

    @Override
    public boolean hasRoom() {
      if (roomNow()) {
        return true;
      }
      roomAwaited = true;
      // Again: the reader may have gone on before it could see that somebody waits.
      return roomNow();
    }

    @Override
    public void addRoomListener(Runnable listener) {
      roomListeners.add(listener);
    }

    @Override
    public void removeRoomListener(Runnable listener) {
      roomListeners.remove(listener);
    }
  }
}
