// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.emulation;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** A time that passes only when a test says so, and knows who waits for it. */
final class ManualClock implements LinkClock {
  private final Map<Thread, Long> waiting = new HashMap<>();
  private final Set<Thread> permits = new HashSet<>();
  private long now;

  @Override
  public synchronized long now() {
    return now;
  }

  @Override
  public synchronized void park(long nanos) {
    Thread self = Thread.currentThread();
    waiting.put(self, nanos > Long.MAX_VALUE - now ? Long.MAX_VALUE : now + nanos);
    notifyAll();
    try {
      while (sleeps(self)) {
        wait();
      }
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts a link's threads", e);
    } finally {
      waiting.remove(self);
      permits.remove(self);
    }
  }

  private boolean sleeps(Thread thread) {
    return waiting.containsKey(thread) && waiting.get(thread) > now && !permits.contains(thread);
  }

  @Override
  public synchronized void unpark(Thread thread) {
    permits.add(thread);
    notifyAll();
  }

  /** Waits until so many threads have nothing to do before the time moves on. */
  synchronized void awaitIdle(int threads) throws InterruptedException {
    while (waiting.keySet().stream().filter(this::sleeps).count() < threads) {
      wait();
    }
  }

  /** Moves on; whoever waits for less begins to run. */
  synchronized void advance(long nanos) {
    now += nanos;
    notifyAll();
  }
}
