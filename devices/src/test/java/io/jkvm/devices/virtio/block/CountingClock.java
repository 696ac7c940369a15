// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** A time that passes only when a test says so, or that of the host, and how often it was asked. */
final class CountingClock implements LongSupplier {
  private final LongSupplier source;
  private final AtomicLong moved;
  private final AtomicLong asked = new AtomicLong();

  /** One that stands still until it is moved on. */
  CountingClock(long start) {
    moved = new AtomicLong(start);
    source = moved::get;
  }

  /** The host's. */
  CountingClock() {
    moved = null;
    source = System::nanoTime;
  }

  @Override
  public long getAsLong() {
    asked.incrementAndGet();
    return source.getAsLong();
  }

  long asked() {
    return asked.get();
  }

  void advance(long nanoseconds) {
    moved.addAndGet(nanoseconds);
  }

  void advanceMilliseconds(long milliseconds) {
    advance(milliseconds * 1_000_000);
  }
}
