// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.HEADER;
import static io.jkvm.devices.virtio.net.NetFixture.TX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.asFrame;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static io.jkvm.devices.virtio.net.NetFixture.rxData;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which of several pairs of queues a frame goes by. */
@Timeout(300)
class QueuePairsTest {
  private static RecordingNetwork network(int pairs) {
    return new RecordingNetwork(0, pairs, OptionalInt.empty());
  }

  @Test
  void framesForEachPairGoToItsOwnBuffers() throws Exception {
    try (NetFixture guest = new NetFixture(network(3)).setUpPairs(3).startWithout(0)) {
      assertEquals(0, guest.command(4, 0, (byte) 3, (byte) 0));
      for (int pair = 2; pair >= 0; pair--) {
        guest.giveBuffersTo(pair, 1, 1000);
        assertTrue(guest.card.receive(pair, asFrame(frame(60, pair))));
        assertEquals(1, guest.rx(pair).usedIndex());
        assertArrayEquals(frame(60, pair), guest.read(rxData(pair) + HEADER, 60));
      }
      assertEquals(3, guest.card.statistics().received());
    }
  }

  @Test
  void framesOfEachPairLeaveByItsOwnQueue() throws Exception {
    RecordingNetwork network = network(3);
    try (NetFixture guest = new NetFixture(network).setUpPairs(3).startWithout(0)) {
      assertEquals(0, guest.command(4, 0, (byte) 3, (byte) 0));
      guest.memory.write(TX_DATA + HEADER, frame(60, 1), 0, 60);
      int[] order = {2, 0, 1};
      for (int i = 0; i < order.length; i++) {
        guest.sendRaw(order[i], Buffer.out(TX_DATA, HEADER + 60));
        assertEquals(order[i], network.sent().get(i).queuePair());
      }
      assertEquals(3, guest.card.statistics().sent());
    }
  }

  @Test
  void withoutMultiqueueTheThirdQueueIsForControl() throws Exception {
    try (NetFixture guest = new NetFixture(network(2)).startWithout(NetFeatures.MQ)) {
      assertEquals(0, guest.command(0, 1, (byte) 1));
      assertEquals(1, guest.command(4, 0, (byte) 1, (byte) 0), "pairs of a card with one");
      assertFalse(guest.needsReset());
    }
  }

  /** A frame that is under way to a pair when it is given up comes before the answer or never. */
  @Test
  void onceFewerPairsAreConfirmedNothingComesByTheRest() throws Exception {
    try (NetFixture guest = new NetFixture(network(2)).setUpPairs(2).startWithout(0)) {
      guest.giveBuffersTo(1, 1, 1000);
      assertEquals(0, guest.command(4, 0, (byte) 2, (byte) 0));
      Frame frame = asFrame(frame(60, 1));
      Thread sender = new Thread(() -> guest.card.receive(1, frame));
      Object queue = receiveQueue(guest.card, 1);
      synchronized (queue) {
        sender.start();
        assertTrue(MmioDriver.await(() -> threadsHeldUpBy(queue) == 1), "no frame under way");
        guest.ask(4, 0, (byte) 1, (byte) 0);
        assertTrue(MmioDriver.await(() -> threadsHeldUpBy(queue) == 2 || guest.answered()));
      }
      assertEquals(0, guest.answer());
      int before = guest.rx(1).usedIndex();
      sender.join(120_000);
      assertFalse(sender.isAlive());
      assertEquals(before, guest.rx(1).usedIndex());
    }
  }

  /** The object whose monitor is held while a frame is copied, to stop one on its way. */
  private static Object receiveQueue(VirtioNet card, int pair) throws Exception {
    Field queues = VirtioNet.class.getDeclaredField("receive");
    queues.setAccessible(true);
    Field inbound = ReceiveQueue.class.getDeclaredField("queue");
    inbound.setAccessible(true);
    return inbound.get(((ReceiveQueue[]) queues.get(card))[pair]);
  }

  private static long threadsHeldUpBy(Object monitor) {
    int id = System.identityHashCode(monitor);
    return Arrays.stream(ManagementFactory.getThreadMXBean().dumpAllThreads(false, false, 0))
        .map(ThreadInfo::getLockInfo)
        .filter(lock -> lock != null && lock.getIdentityHashCode() == id)
        .count();
  }
}
