// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.emulation;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.devices.network.frame.Frame;
import java.util.SplittableRandom;

/**
 * One direction of an emulated link: loses frames, and has a queue and a thread that gives them on
 * when they are due if there is a rate or a delay.
 */
final class EmulatedDirection {
  private static final int MAX_FRAMES = 1000;
  private static final int MAX_BYTES = (1 << 20) + Frame.MAX_BYTES;

  /** A delay holds what is on its way, which is more than what waits for a slow link. */
  private static final int DELAY_FACTOR = 4;

  private final Sink sink;
  private final LinkQuality settings;
  private final LinkClock clock;
  // Guarded by this.
  private final SplittableRandom random;
  private final TokenBucket bucket;
  private final FrameQueue queue;
  private long lost;
  private long dropped;
  private boolean stopped;

  private final WorkerThread thread;
  private volatile Thread runner;
  private final LogLimit failures = new LogLimit(LinkEmulator.class, 3);

  /** What takes the frames that get through. */
  interface Sink {
    boolean accept(int queuePair, Frame frame);
  }

  EmulatedDirection(
      String name, LinkQuality settings, LinkClock clock, SplittableRandom random, Sink sink) {
    this.settings = settings;
    this.clock = clock;
    this.sink = sink;
    this.random = random;
    bucket = new TokenBucket(settings.bitsPerSecond(), clock.now());
    if (settings.needsQueue()) {
      int factor = settings.delayNanos() > 0 ? DELAY_FACTOR : 1;
      queue = new FrameQueue(MAX_FRAMES * factor, MAX_BYTES * factor);
      thread = new WorkerThread(name, this::run);
    } else {
      queue = null;
      thread = null;
    }
  }

  void start() {
    if (thread != null) {
      thread.start();
    }
  }

  /**
   * Lets a frame get lost, keeps it until it is due, or gives it on at once.
   *
   * @return false if it was dropped, which is not the same as lost
   */
  boolean send(int queuePair, Frame frame) {
    synchronized (this) {
      if (stopped) {
        return false;
      }
      // Each frame draws once, whatever else happens to it, or the seed would not decide alone.
      if (settings.loss() > 0 && random.nextDouble() < settings.loss()) {
        lost++;
        return true;
      }
      if (queue != null) {
        return enqueue(queuePair, frame);
      }
    }
    return accept(queuePair, frame);
  }

  private boolean enqueue(int queuePair, Frame frame) {
    int length = frame.length();
    if (length > Frame.MAX_BYTES || !queue.hasRoom(length)) {
      dropped++;
      return false;
    }
    long leave = bucket.leave(frame, clock.now());
    boolean wake = queue.isEmpty();
    queue.add(queuePair, frame, leave + settings.delayNanos());
    if (wake) {
      wake();
    }
    return true;
  }

  private boolean accept(int queuePair, Frame frame) {
    boolean taken = sink.accept(queuePair, frame);
    if (!taken) {
      synchronized (this) {
        dropped++;
      }
    }
    return taken;
  }

  /** One frame is lost, and not the network, where a backend throws. */
  private void acceptOrLog(int queuePair, Frame frame) {
    try {
      accept(queuePair, frame);
    } catch (RuntimeException | Error e) {
      failures.warn(thread.name(), "frame dropped: " + e);
      synchronized (this) {
        dropped++;
      }
    }
  }

  private void run() {
    runner = Thread.currentThread();
    Frame frame = new Frame();
    while (true) {
      int queuePair = -1;
      long wait = 0;
      synchronized (this) {
        if (stopped) {
          return;
        }
        if (!queue.isEmpty()) {
          wait = queue.firstDue() - clock.now();
          queuePair = wait > 0 ? -1 : queue.remove(frame);
        }
      }
      if (queuePair >= 0) {
        acceptOrLog(queuePair, frame);
      } else {
        clock.park(wait > 0 ? wait : Long.MAX_VALUE);
      }
      // Parking does not wait while the flag is set, and nobody stops this thread that way.
      Thread.interrupted();
    }
  }

  /** Loses all that is queued and ends the thread; it is in the sink no more when this returns. */
  void stop() {
    synchronized (this) {
      stopped = true;
    }
    if (thread == null) {
      return;
    }
    wake();
    thread.join();
  }

  /** A thread that has not begun yet looks before it parks. */
  private void wake() {
    Thread running = runner;
    if (running != null) {
      clock.unpark(running);
    }
  }

  /** Frames that the seed decided to lose. */
  synchronized long lost() {
    return lost;
  }

  /** Frames for which the queue, or who was to get them, had no room. */
  synchronized long dropped() {
    return dropped;
  }
}
