// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.RX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.TX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.asFrame;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.network.Frame;
import io.jkvm.devices.network.Offload;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.lang.management.ManagementFactory;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Seeded nonsense in a card's queues, and what a frame may cost the host. */
@Timeout(120)
class HostileDriverTest {
  private static final int MEMORY = 16 << 20;
  private static final long[] EDGES = {
    0, 1, 11, 12, 13, 26, 4096, 65565, 65566, MEMORY - 1, MEMORY, 0xffff_ffffL, -1, Long.MIN_VALUE
  };

  private static long number(Random random) {
    return switch (random.nextInt(4)) {
      case 0 -> EDGES[random.nextInt(EDGES.length)];
      case 1 -> 0x40000 + random.nextInt(MEMORY - 0x40000);
      case 2 -> random.nextInt(2000);
      default -> random.nextLong();
    };
  }

  /** Descriptors, heads and frames of all kinds; the card lives on after each reset. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void randomRings(long seed) throws Exception {
    Random random = new Random(seed);
    RecordingNetwork network =
        new RecordingNetwork(seed == 2 ? Offload.SOFTWARE : 0, 2, OptionalInt.empty());
    network.countOnly();
    try (NetFixture guest = new NetFixture(network)) {
      byte[] noise = new byte[8192];
      for (int round = 0; round < 300; round++) {
        guest.startWithout(random.nextBoolean() ? 0 : NetFeatures.MQ | NetFeatures.MRG_RXBUF);
        random.nextBytes(noise);
        guest.memory.write(TX_DATA, noise, 0, noise.length);
        SplitRingDriver[] rings = {guest.rx, guest.tx, guest.control};
        for (int i = 0; i < 20; i++) {
          SplitRingDriver ring = rings[random.nextInt(3)];
          int index = random.nextInt(ring.size());
          int length = (int) number(random);
          int flags = random.nextInt(8);
          ring.descriptor(index, number(random), length, flags, random.nextInt(ring.size()));
          ring.offer(random.nextInt(8) == 0 ? random.nextInt(1 << 16) : index);
          guest.driver.notifyQueue(random.nextInt(6));
          guest.card.receive(random.nextInt(3), asFrame(frame(14 + random.nextInt(5000), i)));
          if (random.nextInt(50) == 0) {
            ring.availIndex(random.nextInt(1 << 16));
          }
        }
        guest.card.setLink(random.nextBoolean());
      }
      // As good as new.
      guest.card.setLink(true);
      NetFixture fresh = guest;
      fresh.driver.status(0);
      assertEquals(0, fresh.driver.status());
    }
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.giveBuffers(2, 2000);
      byte[] frame = frame(1000, seed);
      assertTrue(guest.card.receive(0, asFrame(frame)));
      assertArrayEquals(frame, guest.read(RX_DATA + 12, 1000));
    }
  }

  /** Headers and TCP/IP fields of all kinds, with and without help of the network. */
  @ParameterizedTest
  @ValueSource(longs = {4, 5})
  void randomFrames(long seed) throws Exception {
    Random random = new Random(seed);
    RecordingNetwork network =
        new RecordingNetwork(seed == 4 ? 0 : Offload.SOFTWARE, 1, OptionalInt.empty());
    network.countOnly();
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      for (int i = 0; i < 5000; i++) {
        byte[] header = new byte[12];
        header[0] = (byte) random.nextInt(3);
        header[1] = (byte) (random.nextBoolean() ? 1 : random.nextInt(6));
        header[2] = (byte) random.nextInt(80);
        header[4] = (byte) random.nextInt(256);
        header[5] = (byte) random.nextInt(8);
        header[6] = (byte) (random.nextBoolean() ? 34 : random.nextInt(256));
        header[8] = (byte) (random.nextBoolean() ? 16 : random.nextInt(256));
        byte[] frame = frame(14 + random.nextInt(3000), i);
        frame[12] = 8;
        frame[13] = 0;
        if (frame.length > 34 && random.nextInt(4) != 0) {
          frame[14] = (byte) (0x40 + random.nextInt(16));
          frame[23] = 6;
        }
        guest.send(header, frame);
        assertTrue(!guest.needsReset());
      }
      assertTrue(network.count() > 0);
    }
  }

  /** Nothing is written but buffers of the guest and the used ring. */
  @Test
  void receivingWritesOnlyWhereItMay() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      byte[] before = guest.read(RX_DATA, 1 << 16);
      guest.rx.add(Buffer.in(RX_DATA + 1000, 500), Buffer.in(RX_DATA + 3000, 500));
      guest.card.receive(0, asFrame(frame(988, 1)));
      byte[] after = guest.read(RX_DATA, 1 << 16);
      for (int i = 0; i < after.length; i++) {
        boolean buffer = i >= 1000 && i < 1500 || i >= 3000 && i < 3500;
        assertTrue(buffer || before[i] == after[i], "wrote at " + i);
      }
    }
  }

  /** In steady state neither direction allocates on the thread that moves the frames. */
  @Test
  void framesCostNoGarbage() throws Exception {
    RecordingNetwork network = new RecordingNetwork();
    network.countOnly();
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      SplitRingDriver ring = new SplitRingDriver(memory, 64, 0x1000);
      Virtqueue queue = ring.device();
      DescriptorChain chain = queue.newChain();
      VirtioNet card = new VirtioNet(NetFixture.MAC, OptionalInt.empty(), network);
      card.activate(card.features() | NetFixture.VERSION_1);
      memory.write(TX_DATA + 12, frame(1514, 1), 0, 1514);
      memory.writeU8(TX_DATA, 1); // a checksum to be computed
      memory.writeU16(TX_DATA + 6, 34);
      memory.writeU16(TX_DATA + 8, 16);
      assertEquals(0, allocatedBy(() -> transmit(card, ring, queue, chain)));
    }
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      Frame frame = asFrame(frame(1514, 1));
      guest.rx.usedEvent(0x8000);
      assertEquals(
          0,
          allocatedBy(
              () -> {
                guest.rx.offer(0);
                assertTrue(guest.card.receive(0, frame));
              },
              () -> guest.rx.descriptor(0, RX_DATA, 2000, SplitRingDriver.WRITE, 0)));
    }
    assertTrue(network.count() > 0);
  }

  private static void transmit(
      VirtioNet card, SplitRingDriver ring, Virtqueue queue, DescriptorChain chain)
      throws GuestFault {
    ring.descriptor(0, TX_DATA, 1526, 0, 0);
    ring.offer(0);
    queue.poll(chain);
    queue.addUsed(chain.head(), card.process(1, chain));
  }

  private interface Step {
    void run() throws GuestFault;
  }

  private static long allocatedBy(Step step) throws GuestFault {
    return allocatedBy(step, () -> {});
  }

  /** Bytes for each of 1000 steps, once all is warm. */
  private static long allocatedBy(Step step, Step first) throws GuestFault {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    first.run();
    for (int i = 0; i < 20_000; i++) {
      step.run();
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 1000; i++) {
      step.run();
    }
    return (threads.getCurrentThreadAllocatedBytes() - before) / 1000;
  }
}
