// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.switching;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.testing.RecordingCard;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(SwitchPortCloseTest.LIMIT_SECONDS)
class SwitchPortCloseTest {
  static final int LIMIT_SECONDS = 120;

  private final EthernetSwitch network = new EthernetSwitch("lab");

  /** A card whose receive takes until the test lets it go. */
  private static final class SlowCard implements NetworkCard {
    final CountDownLatch entered = new CountDownLatch(1);
    final CountDownLatch release = new CountDownLatch(1);

    @Override
    public boolean receive(int queuePair, Frame frame) {
      entered.countDown();
      try {
        return release.await(LIMIT_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        return false;
      }
    }

    @Override
    public void awaitRoom(int queuePair, int timeoutMilliseconds) {}

    @Override
    public void setLink(boolean up) {}
  }

  /** A card with memory that is gone at once when its port is closed. */
  private static final class MortalCard implements NetworkCard {
    final AtomicInteger received = new AtomicInteger();
    volatile boolean dead;
    volatile String wrong;

    @Override
    public boolean receive(int queuePair, Frame frame) {
      for (int i = 0; i < 20; i++) {
        if (dead) {
          wrong = "in receive after close";
        }
        Thread.onSpinWait();
      }
      received.incrementAndGet();
      return true;
    }

    @Override
    public void awaitRoom(int queuePair, int timeoutMilliseconds) {}

    @Override
    public void setLink(boolean up) {}
  }

  @Test
  void closeWaitsForTheReceiveThatIsRunning() throws Exception {
    SlowCard slow = new SlowCard();
    NetworkBackend to = network.newPort();
    to.start(slow);
    NetworkBackend from = network.newPort();
    from.start(new RecordingCard());
    Thread sender = new Thread(() -> from.transmit(0, TestFrames.numbered(1, 2, 0, 60)));
    sender.start();
    assertTrue(slow.entered.await(LIMIT_SECONDS, TimeUnit.SECONDS));

    Thread closer = new Thread(to::close);
    closer.start();
    while (closer.isAlive() && closer.getState() != Thread.State.TIMED_WAITING) {
      Thread.yield();
    }
    assertTrue(closer.isAlive(), "a receive is running");
    assertEquals(1, network.portCount(), "but nothing new gets there");
    slow.release.countDown();
    closer.join();
    sender.join();
  }

  @Test
  void nothingIsReceivedAfterCloseUnderTraffic() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    Thread[] senders = new Thread[3];
    for (int i = 0; i < senders.length; i++) {
      NetworkBackend port = network.newPort();
      port.start(new RecordingCardThatDrops());
      Frame frame = TestFrames.numbered(500, i + 1, 0, 60);
      senders[i] =
          new Thread(
              () -> {
                while (!stop.get()) {
                  port.transmit(0, frame);
                }
              });
      senders[i].start();
    }
    List<MortalCard> cards = new ArrayList<>();
    for (int round = 0; round < 300; round++) {
      MortalCard card = new MortalCard();
      cards.add(card);
      NetworkBackend port = network.newPort();
      port.start(card);
      port.transmit(0, TestFrames.numbered(1, 500, 0, 60));
      while (card.received.get() < 2) {
        Thread.yield();
      }
      port.close();
      card.dead = true;
    }
    stop.set(true);
    for (Thread sender : senders) {
      sender.join();
    }
    // Nobody is left who could be late.
    for (MortalCard card : cards) {
      assertNull(card.wrong, "round " + cards.indexOf(card));
    }
    assertEquals(3, network.portCount());
    assertEquals(3, network.addressCount());
  }

  private static final class RecordingCardThatDrops implements NetworkCard {
    @Override
    public boolean receive(int queuePair, Frame frame) {
      return true;
    }

    @Override
    public void awaitRoom(int queuePair, int timeoutMilliseconds) {}

    @Override
    public void setLink(boolean up) {}
  }

  @Test
  void portsComeAndGoFromManyThreads() throws Exception {
    Thread[] threads = new Thread[4];
    AtomicInteger failures = new AtomicInteger();
    for (int i = 0; i < threads.length; i++) {
      int id = i;
      threads[i] =
          new Thread(
              () -> {
                for (int round = 0; round < 200; round++) {
                  try (NetworkBackend port = network.newPort()) {
                    port.start(new RecordingCardThatDrops());
                    port.transmit(0, TestFrames.numbered(9, id * 1000 + round, 0, 60));
                  } catch (IOException e) {
                    failures.incrementAndGet();
                  }
                }
              });
      threads[i].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(0, failures.get());
    assertEquals(0, network.portCount());
    assertEquals(0, network.addressCount());
  }
}
