// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.testing;

import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** A card that keeps what it gets, with the time it came at. */
public final class RecordingCard implements NetworkCard {
  /** One frame as it was received. */
  public record Received(int queuePair, byte[] bytes, int offloads, long nanos) {}

  /** Only ends what hangs. */
  private static final long WAIT_SECONDS = 120;

  private final List<Received> received = new ArrayList<>();
  private final LongSupplier clock;
  private volatile boolean full;
  private volatile boolean closed;
  private volatile String wrong;
  private volatile boolean up = true;

  public RecordingCard() {
    this(System::nanoTime);
  }

  /** One whose frames come at the times of this clock. */
  public RecordingCard(LongSupplier clock) {
    this.clock = clock;
  }

  @Override
  public synchronized boolean receive(int queuePair, Frame frame) {
    if (closed) {
      wrong = "received after close";
    }
    if (full) {
      return false;
    }
    int offloads = frame.header().offloads();
    received.add(new Received(queuePair, TestFrames.bytes(frame), offloads, clock.getAsLong()));
    notifyAll();
    return true;
  }

  @Override
  public void awaitRoom(int queuePair, int timeoutMilliseconds) {}

  @Override
  public void setLink(boolean linkUp) {
    up = linkUp;
  }

  public void setFull(boolean isFull) {
    full = isFull;
  }

  /** From now on nothing may come. */
  public void setClosed() {
    closed = true;
  }

  /** Null, or what happened that must not. */
  public String wrong() {
    return wrong;
  }

  public boolean isUp() {
    return up;
  }

  public synchronized List<Received> received() {
    return new ArrayList<>(received);
  }

  public synchronized int count() {
    return received.size();
  }

  /** Waits for a number of frames; returns how many there are. */
  public synchronized int await(int frames) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    while (received.size() < frames && System.nanoTime() < end) {
      wait(Math.max(1, (end - System.nanoTime()) / 1_000_000));
    }
    return received.size();
  }
}
