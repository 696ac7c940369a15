// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class InboundQueueTest {
  private static final QueueSignals NO_SIGNALS =
      new QueueSignals() {
        @Override
        public void announce(int queue) {}

        @Override
        public void fail(String reason) {
          throw new AssertionError(reason);
        }

        @Override
        public void hostFailed(String reason) {
          throw new AssertionError(reason);
        }

        @Override
        public boolean failed() {
          return false;
        }
      };

  private final InboundQueue queue = new InboundQueue();

  /** Not on the test's own thread, which no time limit gets out of a system call. */
  private Thread startToWait() {
    Thread thread = new Thread(() -> queue.awaitRoom(3_600_000));
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private void assertEnds(Thread thread) throws InterruptedException {
    thread.join(60_000);
    boolean ended = !thread.isAlive();
    queue.requestStop(); // the rings and the eventfd go away now
    queue.awaitStopped(60_000);
    assertTrue(ended, "waits although there is room");
  }

  /** A console's input is there long before the guest's driver. */
  @Test
  void whoWaitsForADriverIsWokenWhenItComes() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(1 << 20);
        EventFd notify = new EventFd()) {
      SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
      Thread waiting = startToWait();
      assertTrue(MmioDriver.await(() -> waiting.getState() == Thread.State.TIMED_WAITING));
      queue.serve(new ActiveQueue("test", 0, ring.device(), notify, NO_SIGNALS)).start();
      assertEnds(waiting);
    }
  }

  /** A pause may end between the look at the queue and the wait. */
  @Test
  void buffersThatWereSeenBeforeArePlaceEnough() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(1 << 20);
        EventFd notify = new EventFd()) {
      SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
      Virtqueue rings = ring.device();
      queue.serve(new ActiveQueue("test", 0, rings, notify, NO_SIGNALS)).start();
      ring.add(Buffer.in(0x8000, 16));
      ring.add(Buffer.in(0x8010, 16));
      DescriptorChain chain = rings.newChain();
      synchronized (queue) {
        assertTrue(queue.next(chain));
        queue.stage(chain, 1);
        queue.publish();
      }
      assertEnds(startToWait());
    }
  }
}
