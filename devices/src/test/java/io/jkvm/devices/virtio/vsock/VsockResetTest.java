// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import static io.jkvm.devices.virtio.vsock.VsockFixture.EVENT;
import static io.jkvm.devices.virtio.vsock.VsockFixture.EVENT_DATA;
import static io.jkvm.devices.virtio.vsock.VsockFixture.await;
import static io.jkvm.devices.virtio.vsock.VsockFixture.random;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Drivers that go, guests that are replaced, and what a packet costs. */
@Timeout(300)
class VsockResetTest {
  /** Resets with packets that wait, threads that offer, and peers without room. */
  @ParameterizedTest
  @EnumSource
  void resetsInTheMiddle(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport)) {
      List<RecordingPeer> peers = new ArrayList<>();
      guest.device.listen(
          5,
          connection -> {
            RecordingPeer peer = new RecordingPeer();
            peer.accept(connection);
            peer.room(30);
            peers.add(peer);
            return peer;
          });
      for (int round = 0; round < 30; round++) {
        guest.startBare();
        List<Thread> senders = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
          guest.send(Packet.of(Packet.REQUEST, 1000 + i, 5));
          guest.send(Packet.data(1000 + i, 5, random(100, i)));
          VsockConnection connection = peers.get(peers.size() - 1).connection();
          senders.add(VsockFixture.offerAll(connection, random(100_000, i)));
        }
        guest.giveBuffers(round);
        RecordingPeer last = new RecordingPeer();
        guest.device.connect(22, last);
        guest.guest.status(0);
        await(() -> guest.guest.status() == 0, "no reset");
        assertEquals(0, VsockFixture.queueThreads());
        for (Thread sender : senders) {
          VsockFixture.assertEnds(sender);
        }
        assertEquals(List.of("at 0 closed NO_DRIVER"), last.heard);
        for (RecordingPeer peer : peers) {
          assertFalse(peer.isOver(), "bytes are waiting");
          peer.makeRoom(1000);
          assertEquals(List.of("connected", "at 100 closed NO_DRIVER"), peer.heard);
        }
        peers.clear();
      }
      guest.start();
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      assertEquals("RESPONSE 5>1000", guest.next().toString());
      assertFalse(guest.needsReset());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aGuestThatIsAnotherHearsOfIt(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport)) {
      guest.device.transportReset(); // there is no driver to tell
      guest.startConnected();
      guest.memory.writeU32(EVENT_DATA, -1);
      guest.rings[EVENT].add(Buffer.in(EVENT_DATA, 8));
      guest.guest.notifyQueue(EVENT);
      guest.assertSilent();
      assertEquals(0, guest.rings[EVENT].usedIndex());
      guest.device.transportReset();
      await(() -> guest.rings[EVENT].usedIndex() == 1, "no event");
      assertEquals(4, guest.rings[EVENT].usedLength(0));
      assertEquals(0, guest.memory.readU32(EVENT_DATA));
      assertEquals(List.of("connected", "at 0 closed TRANSPORT_RESET"), guest.peer.heard);
      guest.device.transportReset();
      guest.device.transportReset();
      for (int i = 0; i < 3; i++) {
        guest.rings[EVENT].add(Buffer.in(EVENT_DATA, 4));
      }
      guest.guest.notifyQueue(EVENT);
      await(() -> guest.rings[EVENT].usedIndex() == 2, "no event");
      guest.send(Packet.data(1000, 5, random(10, 1))); // of a connection that is no more
      assertEquals("RST 5>1000", guest.next().toString());
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      assertEquals("RESPONSE 5>1000", guest.next().toString());
      assertEquals(2, guest.rings[EVENT].usedIndex());
    }
  }

  /** The end may come between a look at a packet and its bytes; it stays the last thing heard. */
  @Test
  void bytesOfAConnectionThatHasJustEndedAreDropped() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(1 << 20)) {
      SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
      Virtqueue rings = ring.device();
      ring.add(Buffer.out(0x8000, 144));
      DescriptorChain chain = rings.newChain();
      assertEquals(true, rings.poll(chain));
      for (boolean full : new boolean[] {false, true}) {
        VirtioVsock device = new VirtioVsock("x", VsockFixture.CID);
        device.activate(0);
        RecordingPeer peer = new RecordingPeer();
        peer.room(full ? 0 : 1000);
        VsockConnection connection = device.connect(22, peer);
        ByteBuffer piece = ByteBuffer.allocate(1000);
        connection.delivery().receive(chain, 100, piece);
        device.transportReset();
        connection.delivery().receive(chain, 100, piece);
        peer.room(1000);
        connection.roomInHost();
        assertEquals(100, peer.takenBytes());
        assertEquals(List.of("at 100 closed TRANSPORT_RESET"), peer.heard);
      }
    }
  }

  /** Neither direction makes garbage, or a chatty guest would keep the collector busy. */
  @Test
  void nothingIsAllocatedForAPacket() throws Exception {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    VirtioVsock device = new VirtioVsock("test", VsockFixture.CID);
    VsockConnection[] made = new VsockConnection[1];
    VsockPeer peer = bytes -> bytes.position(bytes.limit());
    device.listen(
        6,
        connection -> {
          made[0] = connection;
          return peer;
        });
    try (VsockFixture guest = new VsockFixture(Transport.MMIO, device).start()) {
      guest.send(Packet.of(Packet.REQUEST, 1000, 6).withCredit(-1, 0));
      guest.next();
      // The guest's packets are given to the device by this thread.
      SplitRingDriver ring = new SplitRingDriver(guest.memory, 16, 0x30000);
      Virtqueue rings = ring.device();
      RequestHandler receiver = HandlerAccess.of(device, VsockFixture.TX, rings, 0);
      byte[] packet = Packet.data(1000, 6, random(4000, 1)).withCredit(-1, 0).bytes();
      guest.memory.write(VsockFixture.TX_DATA, packet, 0, packet.length);
      ring.add(Buffer.out(VsockFixture.TX_DATA, 44), Buffer.out(VsockFixture.TX_DATA + 44, 4000));
      DescriptorChain chain = rings.newChain();
      assertEquals(true, rings.poll(chain));
      ByteBuffer bytes = ByteBuffer.wrap(random(100_000, 1));
      long sending = Long.MAX_VALUE;
      long receiving = Long.MAX_VALUE;
      // What is left once classes are loaded and code is compiled.
      for (int round = 0; round < 200; round++) {
        while (guest.poll() != null) {
          guest.giveBuffers(1);
        }
        bytes.clear();
        long before = threads.getCurrentThreadAllocatedBytes();
        int count = made[0].offer(bytes);
        long between = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100; i++) {
          receiver.process(chain);
        }
        long after = threads.getCurrentThreadAllocatedBytes();
        assertEquals(100_000, count);
        // The driver is told once an offer, which is the transport's business.
        sending = Math.min(sending, (between - before) / 25);
        receiving = Math.min(receiving, (after - between) / 100);
      }
      assertEquals(0, sending);
      assertEquals(0, receiving);
    }
  }
}
