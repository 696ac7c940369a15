// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import static io.jkvm.devices.virtio.vsock.VsockFixture.RX;
import static io.jkvm.devices.virtio.vsock.VsockFixture.RX_DATA;
import static io.jkvm.devices.virtio.vsock.VsockFixture.TX;
import static io.jkvm.devices.virtio.vsock.VsockFixture.TX_DATA;
import static io.jkvm.devices.virtio.vsock.VsockFixture.await;
import static io.jkvm.devices.virtio.vsock.VsockFixture.random;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A driver that keeps no rule. */
@Timeout(300)
class HostileVsockTest {
  private static void assertWorks(VsockFixture guest) throws Exception {
    RecordingPeer peer = new RecordingPeer();
    guest.device.listen(99, peer).port();
    guest.send(Packet.of(Packet.REQUEST, 0x9999, 99));
    assertEquals("RESPONSE 99>" + 0x9999, guest.next().toString());
    guest.send(Packet.data(0x9999, 99, random(100, 1)));
    await(() -> peer.takenBytes() == 100, "not taken");
    assertFalse(guest.needsReset());
  }

  @ParameterizedTest
  @EnumSource
  void wrongCidsAreDropped(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      Packet data = Packet.data(1000, 5, random(10, 1));
      long[][] pairs = {
        {41, 2},
        {42, 1},
        {42, 0},
        {42, 3},
        {2, 42},
        {42 | 1L << 32, 2},
        {42, 2 | 1L << 32},
        {-1, -1}
      };
      for (long[] pair : pairs) {
        guest.send(data.withCids(pair[0], pair[1]));
        guest.send(Packet.of(Packet.REQUEST, 7, 5).withCids(pair[0], pair[1]));
        guest.send(Packet.of(Packet.RST, 1000, 5).withCids(pair[0], pair[1]));
      }
      guest.assertSilent();
      assertEquals(0, guest.peer.takenBytes());
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void unknownTypesAreReset(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      for (int type : new int[] {0, 2, 3, 0x7fff, 0xffff}) {
        guest.send(Packet.data(1000, 5, random(10, 1)).withType(type));
        Packet reset = guest.next();
        assertEquals("RST 5>1000", reset.toString());
        assertEquals((short) type, reset.type());
        guest.send(Packet.of(Packet.RST, 1000, 5).withType(type));
      }
      guest.assertSilent();
      assertEquals(List.of("connected"), guest.peer.heard); // another type, another connection
      assertEquals(0, guest.peer.takenBytes());
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void packetsAboutNoConnectionAreReset(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).start()) {
      guest.device.listen(5, guest.peer);
      for (int operation = 0; operation < 300; operation++) {
        if (operation == Packet.REQUEST) {
          continue;
        }
        guest.send(Packet.of(operation, 1000, 5).withFlags(operation));
        if (operation != Packet.RST) {
          assertEquals("RST 5>1000", guest.next().toString());
        }
      }
      guest.assertSilent();
      assertEquals(List.of(), guest.peer.heard);
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatBreaksTheProtocolCostsTheConnection(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).start()) {
      guest.device.listen(5, guest.peer);
      List<Packet> wrong = new ArrayList<>();
      for (int operation : new int[] {0, Packet.REQUEST, Packet.RESPONSE, 8, 0x7fff}) {
        wrong.add(Packet.of(operation, 1000, 5));
      }
      wrong.add(Packet.data(1000, 5, random(10, 1)).withLength(11)); // longer than it is
      wrong.add(Packet.data(1000, 5, random(10, 1)).withLength(-1));
      wrong.add(Packet.data(1000, 5, random(10, 1)).withLength(Integer.MIN_VALUE));
      for (Packet packet : wrong) {
        guest.send(Packet.of(Packet.REQUEST, 1000, 5));
        assertEquals("RESPONSE 5>1000", guest.next().toString());
        guest.send(packet);
        assertEquals("RST 5>1000", guest.next().toString(), packet.toString());
        await(() -> guest.peer.lastHeard().equals("at 0 closed PROTOCOL_ERROR"), "not over");
        guest.assertSilent();
      }
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void lengthsThatDoNoHarm(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      guest.send(Packet.data(1000, 5, new byte[0]));
      guest.send(Packet.data(1000, 5, random(10, 1)).withLength(4)); // more than it says
      guest.send(Packet.of(Packet.CREDIT_UPDATE, 1000, 5).withLength(-1));
      guest.send(Packet.of(Packet.CREDIT_UPDATE, 1000, 5).withPayload(random(10, 1)));
      guest.assertSilent();
      assertEquals(4, guest.peer.takenBytes());
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void answersBeforeTheQuestion(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startBare()) {
      for (int operation : new int[] {Packet.RESPONSE, Packet.RW, Packet.REQUEST, Packet.RST}) {
        RecordingPeer peer = new RecordingPeer();
        VsockConnection connection = guest.device.connect(22, peer);
        guest.send(Packet.of(operation, 22, connection.hostPort()));
        guest.giveBuffers(1);
        boolean ignored = operation == Packet.RST;
        assertEquals(
            (ignored ? "REQUEST " : "RST ") + connection.hostPort() + ">22",
            guest.next().toString());
        assertEquals(!ignored, peer.isOver());
        guest.startBare();
      }
      for (int operation : new int[] {0, Packet.REQUEST, Packet.RW, Packet.SHUTDOWN, 9}) {
        guest.start();
        RecordingPeer peer = new RecordingPeer();
        VsockConnection connection = guest.device.connect(22, peer);
        guest.next();
        guest.send(Packet.of(operation, 22, connection.hostPort()));
        assertEquals("RST " + connection.hostPort() + ">22", guest.next().toString());
        await(() -> peer.lastHeard().equals("at 0 closed PROTOCOL_ERROR"), "not over");
      }
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void buffersOfTheWrongFormNeedAReset(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport)) {
      Buffer[][] packets = {
        {Buffer.out(TX_DATA, 43)},
        {Buffer.out(TX_DATA, 1)},
        {Buffer.in(TX_DATA, 44)},
        {Buffer.out(TX_DATA, 44), Buffer.in(TX_DATA, 44)},
        {Buffer.out(TX_DATA, 0)},
        {Buffer.out(VsockFixture.RAM - 10, 44)},
      };
      for (Buffer[] buffers : packets) {
        guest.start();
        guest.sendRaw(buffers);
        guest.awaitNeedsReset();
      }
      Buffer[][] buffersToGuest = {
        {Buffer.out(RX_DATA, 100)},
        {Buffer.out(RX_DATA, 100), Buffer.in(RX_DATA, 100)},
        {Buffer.in(RX_DATA, 43)},
        {Buffer.in(VsockFixture.RAM - 10, 100)},
      };
      for (Buffer[] buffers : buffersToGuest) {
        guest.startBare();
        guest.rings[RX].add(buffers);
        guest.guest.notifyQueue(RX);
        guest.send(Packet.of(Packet.REQUEST, 1, 1));
        guest.awaitNeedsReset();
      }
      for (Buffer buffer : new Buffer[] {Buffer.in(RX_DATA, 3), Buffer.out(RX_DATA, 4)}) {
        guest.startBare();
        guest.rings[VsockFixture.EVENT].add(buffer);
        guest.guest.notifyQueue(VsockFixture.EVENT);
        guest.awaitNeedsReset();
      }
      // Enough for what has no payload.
      guest.startBare();
      guest.device.listen(5, guest.peer);
      guest.rings[RX].add(Buffer.in(RX_DATA, 44));
      guest.rings[RX].add(Buffer.in(RX_DATA, 44));
      guest.guest.notifyQueue(RX);
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      await(() -> guest.peer.heard.contains("connected"), "no connection");
      await(() -> guest.rings[RX].usedIndex() == 1, "no answer");
      assertEquals(0, guest.peer.connection().offer(ByteBuffer.allocate(1)));
      guest.awaitNeedsReset();
      assertEquals(0, guest.peer.connection().offer(ByteBuffer.allocate(1)));
      guest.start();
      assertWorks(guest);
    }
  }

  /** Section 5.10.6.4: what is owed is bounded, and the transmit queue waits then. */
  @ParameterizedTest
  @EnumSource
  void aFloodWithoutBuffersIsHeldBack(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startBare()) {
      int sent = 0;
      for (; sent < PacketSender.MAX_REPLIES; sent++) {
        guest.send(Packet.of(Packet.REQUEST, sent, 1));
      }
      for (int i = 0; i < 2; i++) {
        byte[] bytes = Packet.of(Packet.REQUEST, sent++, 1).bytes();
        guest.memory.write(TX_DATA + 100 * i, bytes, 0, bytes.length);
        guest.addRaw(Buffer.out(TX_DATA + 100 * i, bytes.length));
      }
      guest.guest.device().pause(); // only now it is sure that the queue is at rest
      assertEquals(PacketSender.MAX_REPLIES, guest.rings[TX].usedIndex());
      guest.guest.device().resume();
      for (int i = 0; i < sent; i++) {
        guest.giveBuffers(1);
        await(guest::hasPacket, "no answer");
        assertEquals("RST 1>" + i, guest.poll().toString());
      }
      guest.awaitTaken();
      guest.giveBuffers(10);
      assertWorks(guest);
    }
  }

  /** Of a connection, too, no more is owed than there are operations. */
  @ParameterizedTest
  @EnumSource
  void aConnectionOwesEachAnswerOnce(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startBare()) {
      guest.device.listen(5, guest.peer);
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      for (int i = 0; i < 1000; i++) {
        guest.send(Packet.of(Packet.CREDIT_REQUEST, 1000, 5));
      }
      guest.giveBuffers(10);
      assertEquals("RESPONSE 5>1000", guest.next().toString());
      assertEquals("CREDIT_UPDATE 5>1000", guest.next().toString());
      guest.assertSilent();
      // Connections that come and go unheard leave nothing.
      guest.startBare();
      for (int i = 0; i < 5000; i++) {
        guest.send(Packet.of(Packet.REQUEST, i, 5));
        guest.send(Packet.of(Packet.RST, i, 5));
      }
      guest.giveBuffers(10);
      assertWorks(guest);
    }
  }

  /** Anything is served, put off, or a fault of the guest's, and no mistake of ours. */
  @Test
  void packetsOfAnyForm() throws Exception {
    Random random = new Random(7);
    VirtioVsock device = new VirtioVsock("x", VsockFixture.CID, 300);
    List<RecordingPeer> peers = new ArrayList<>();
    List<VsockConnection> connections = new ArrayList<>();
    device.listen(
        1,
        connection -> {
          RecordingPeer peer = new RecordingPeer();
          peer.accept(connection);
          peer.room(random.nextInt(3) * 100);
          peers.add(peer);
          connections.add(connection);
          return random.nextInt(20) == 0 ? null : peer;
        });
    try (GuestMemory memory = GuestMemory.allocate(VsockFixture.RAM)) {
      RequestHandler handler = null;
      DescriptorChain chain = null;
      int putOff = 0;
      for (int round = 0; round < 200_000; round++) {
        SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
        Virtqueue rings = ring.device();
        if (handler == null) {
          device.activate(0);
          handler = HandlerAccess.of(device, TX, rings, 0);
        }
        Packet packet =
            Packet.of(random.nextInt(9), random.nextInt(4), random.nextInt(10) == 0 ? 2 : 1)
                .withPayload(random(random.nextInt(120), round))
                .withFlags(random.nextInt(10) == 0 ? random.nextInt(4) : 0)
                .withCredit(random.nextInt(), random.nextInt());
        if (random.nextInt(30) == 0) {
          packet = packet.withLength(random.nextInt(400)).withType(random.nextInt(3));
        }
        byte[] bytes = packet.bytes();
        memory.write(0x8000, bytes, 0, bytes.length);
        boolean whole = random.nextInt(50) != 0;
        ring.add(Buffer.out(0x8000, whole ? bytes.length : 1 + random.nextInt(60)));
        chain = rings.newChain();
        assertTrue(rings.poll(chain));
        try {
          if (handler.process(chain) == RequestHandler.PUT_OFF) {
            putOff++;
            device.transportReset(); // what is owed is forgotten
            assertEquals(0, handler.process(chain));
          }
        } catch (GuestFault e) {
          handler = null;
          device.reset();
        }
        if (!connections.isEmpty() && random.nextInt(5) == 0) {
          int index = random.nextInt(connections.size());
          VsockConnection connection = connections.get(index);
          switch (random.nextInt(5)) {
            case 0:
              peers.get(index).makeRoom(100);
              break;
            case 1:
              connection.shutdownOutput();
              break;
            case 2:
              connection.close();
              break;
            case 3:
              connection.reset();
              break;
            default:
              connection.offer(ByteBuffer.allocate(10));
          }
        }
        if (connections.size() > 100) {
          device.reset();
          handler = null;
          for (RecordingPeer peer : peers) {
            peer.makeRoom(1000);
            long ends = peer.heard.stream().filter(s -> s.contains("closed")).count();
            assertTrue(ends == 1 || peer.heard.isEmpty(), peer.heard.toString());
            assertTrue(ends == 0 || peer.isOver(), peer.heard.toString());
            assertFalse(peer.heard.contains("called by two threads"));
          }
          connections.clear();
          peers.clear();
        }
      }
      assertTrue(putOff > 0);
    }
  }
}
