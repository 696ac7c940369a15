// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.HEADER;
import static io.jkvm.devices.virtio.net.NetFixture.OTHER;
import static io.jkvm.devices.virtio.net.NetFixture.RX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.TX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.asFrame;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.network.ForwardingBackend;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Seeded nonsense in a card's queues, and what a frame may cost the host. */
@Timeout(300)
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
      guest.startWithout(0);
      guest.giveBuffers(2, 2000);
      byte[] frame = frame(1000, seed);
      assertTrue(guest.card.receive(0, asFrame(frame)));
      assertArrayEquals(frame, guest.read(RX_DATA + HEADER, 1000));
      long sent = network.count();
      guest.send(new byte[HEADER], frame);
      assertEquals(sent + 1, network.count());
      assertEquals(0, guest.command(0, 1, (byte) 1));
      assertFalse(guest.needsReset());
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

  /** Commands of all kinds, some of which make sense. */
  @ParameterizedTest
  @ValueSource(longs = {6, 7})
  void randomCommands(long seed) throws Exception {
    Random random = new Random(seed);
    RecordingNetwork network = new RecordingNetwork(Offload.UFO, 3, OptionalInt.empty());
    int[] lengths = {0, 1, 2, 6, 8, 8 + 6 * 5, 8 + 6 * 100, 999};
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      int understood = 0;
      for (int i = 0; i < 3000; i++) {
        byte[] data = new byte[lengths[random.nextInt(lengths.length)]];
        if (random.nextBoolean()) {
          random.nextBytes(data);
        } else if (data.length > 0) {
          data[0] = (byte) ((data.length - 8) / 6); // addresses in a table, or a small number
        }
        int command = random.nextInt(random.nextInt(8) == 0 ? 256 : 7);
        if (guest.command(random.nextInt(7), command, data) == 0) {
          understood++;
        }
      }
      assertTrue(understood > 100, understood + " commands were understood");
      guest.startWithout(0);
      guest.giveBuffers(1, 1000);
      assertTrue(guest.gets(OTHER));
    }
  }

  /** Else the tests above would take a bug for an answer to nonsense. */
  @Test
  void whatOnlyABugThrowsIsNoticed() throws Exception {
    NetFixture guest =
        new NetFixture(
                new ForwardingBackend(new RecordingNetwork()) {
                  @Override
                  public boolean transmit(int queuePair, Frame frame) {
                    throw new AssertionError("a bug"); // an exception costs the frame only
                  }
                })
            .startWithout(0);
    guest.send(new byte[HEADER], frame(60, 1));
    assertTrue(guest.needsReset());
    assertThrows(AssertionError.class, guest::close);
  }

  /** Nothing is written in all of RAM but buffers of the driver and the used ring. */
  @Test
  void receivingWritesOnlyWhereItMay() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork())) {
      byte[] expected = new byte[MEMORY];
      new Random(8).nextBytes(expected);
      guest.memory.write(0, expected, 0, MEMORY);
      guest.startWithout(0);
      SplitRingDriver rx = guest.rx;
      rx.add(Buffer.in(RX_DATA + 1000, 500), Buffer.in(RX_DATA + 3000, 500));
      rx.add(Buffer.in(RX_DATA + 5000, 500));
      guest.memory.read(0, expected, 0, MEMORY);
      assertTrue(guest.card.receive(0, asFrame(frame(1488, 1))));
      assertEquals(2, rx.usedIndex());
      byte[] after = guest.read(0, MEMORY);
      long[][] allowed = {
        {RX_DATA + 1000, 500},
        {RX_DATA + 3000, 500},
        {RX_DATA + 5000, 500},
        {rx.used(), rx.end() - rx.used()}
      };
      for (long[] range : allowed) {
        System.arraycopy(after, (int) range[0], expected, (int) range[0], (int) range[1]);
      }
      assertEquals(-1, Arrays.mismatch(expected, after), "written outside");
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
      long features = card.features() | NetFixture.VERSION_1;
      card.activate(features);
      RequestHandler sender = HandlerAccess.of(card, 1, queue, features);
      memory.write(TX_DATA + 12, frame(1514, 1), 0, 1514);
      memory.writeU8(TX_DATA, 1); // a checksum to be computed
      memory.writeU16(TX_DATA + 6, 34);
      memory.writeU16(TX_DATA + 8, 16);
      assertEquals(0, allocatedBy(() -> transmit(sender, ring, queue, chain)));
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
      RequestHandler sender, SplitRingDriver ring, Virtqueue queue, DescriptorChain chain)
      throws GuestFault, IOException {
    ring.descriptor(0, TX_DATA, 1526, 0, 0);
    ring.offer(0);
    queue.poll(chain);
    queue.addUsed(chain.head(), sender.process(chain));
  }

  private interface Step {
    void run() throws GuestFault, IOException;
  }

  private static long allocatedBy(Step step) throws GuestFault, IOException {
    return allocatedBy(step, () -> {});
  }

  /**
   * Bytes for each step, once all is warm: the least of many thousands, as the compiler that keeps
   * objects off the heap has a thread of its own, which on a busy host gets its turn late.
   */
  private static long allocatedBy(Step step, Step first) throws GuestFault, IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    first.run();
    long least = Long.MAX_VALUE;
    for (int pass = 0; pass < 2000 && least > 0; pass++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 1000; i++) {
        step.run();
      }
      least = Math.min(least, (threads.getCurrentThreadAllocatedBytes() - before) / 1000);
    }
    return least;
  }
}
