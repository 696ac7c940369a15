// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import static io.jkvm.devices.virtio.vsock.VsockFixture.await;
import static io.jkvm.devices.virtio.vsock.VsockFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Whoever is faster is held back, each connection by itself. */
@Timeout(300)
class CreditTest {
  @ParameterizedTest
  @CsvSource({
    "MMIO, 4000000, 65536, 262144, 65536",
    "PCI,  4000000, 65536, 262144, 1000",
    "MMIO, 1000000, 1000, 1500, 333",
    "PCI,  100000, 64, 17, 10",
    "MMIO, 3000, 1, 1, 1"
  })
  void anEchoIsComplete(
      Transport transport, int total, int hostBuffer, int guestBuffer, int peerBuffer)
      throws Exception {
    VirtioVsock device = new VirtioVsock("test", VsockFixture.CID, hostBuffer);
    try (VsockFixture guest = new VsockFixture(transport, device).start()) {
      device.listen(5, new EchoPeer(peerBuffer));
      byte[] bytes = random(total, total);
      GuestStream stream = new GuestStream(guest, bytes, guestBuffer, 1);
      stream.open();
      while (!stream.done(total)) {
        int before = stream.readBytes();
        await(() -> stream.step() || stream.readBytes() > before, "stands still");
      }
      assertArrayEquals(bytes, stream.read());
      guest.send(Packet.of(Packet.RST, 1000, 5));
    }
  }

  @ParameterizedTest
  @EnumSource
  void theGuestHearsOfEachHalfOfTheBuffer(Transport transport) throws Exception {
    VirtioVsock device = new VirtioVsock("test", VsockFixture.CID, 1000);
    try (VsockFixture guest = new VsockFixture(transport, device).startConnected()) {
      guest.send(Packet.data(1000, 5, random(499, 1)));
      guest.assertSilent();
      guest.send(Packet.data(1000, 5, random(1, 1)));
      Packet update = guest.next();
      assertEquals(Packet.CREDIT_UPDATE, update.operation());
      assertEquals(1000, update.bufAlloc());
      assertEquals(500, update.fwdCnt());
      // A packet with bytes tells as well.
      guest.send(Packet.data(1000, 5, random(400, 1)));
      guest.peer.connection().offer(ByteBuffer.allocate(1));
      assertEquals(900, guest.next().fwdCnt());
      guest.send(Packet.data(1000, 5, random(499, 1)));
      guest.assertSilent();
      guest.send(Packet.of(Packet.CREDIT_REQUEST, 1000, 5));
      assertEquals(1399, guest.next().fwdCnt());
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatThePeerDoesNotTakeIsKeptAndHoldsTheGuestBack(Transport transport) throws Exception {
    VirtioVsock device = new VirtioVsock("test", VsockFixture.CID, 1000);
    try (VsockFixture guest = new VsockFixture(transport, device).startConnected()) {
      guest.peer.room(10);
      for (int i = 0; i < 10; i++) {
        guest.send(
            Packet.data(1000, 5, Arrays.copyOfRange(random(1500, 1), 100 * i, 100 * i + 100)));
      }
      assertEquals(10, guest.peer.takenBytes());
      guest.send(Packet.of(Packet.CREDIT_REQUEST, 1000, 5));
      assertEquals(10, guest.next().fwdCnt());
      // Others go on.
      guest.send(Packet.of(Packet.REQUEST, 1001, 5));
      assertEquals("RESPONSE 5>1001", guest.next().toString());
      guest.send(Packet.of(Packet.RST, 1001, 5));
      guest.send(Packet.of(Packet.REQUEST, 1000, 6));
      assertEquals("RST 6>1000", guest.next().toString());
    }
  }

  @ParameterizedTest
  @EnumSource
  void roomInTheHostLetsTheRestThrough(Transport transport) throws Exception {
    VirtioVsock device = new VirtioVsock("test", VsockFixture.CID, 1000);
    try (VsockFixture guest = new VsockFixture(transport, device).startConnected()) {
      byte[] bytes = random(1500, 1);
      guest.peer.room(10);
      guest.send(Packet.data(1000, 5, Arrays.copyOf(bytes, 1000)));
      guest.peer.makeRoom(0); // a call too many
      guest.peer.makeRoom(200);
      assertEquals(210, guest.peer.takenBytes());
      guest.send(Packet.data(1000, 5, Arrays.copyOfRange(bytes, 1000, 1210)));
      assertEquals(210, guest.peer.takenBytes());
      guest.peer.makeRoom(Long.MAX_VALUE);
      assertArrayEquals(Arrays.copyOf(bytes, 1210), guest.peer.taken());
      assertEquals(1010, guest.next().fwdCnt()); // the buffer is a ring: two pieces
      guest.send(Packet.data(1000, 5, Arrays.copyOfRange(bytes, 1210, 1500)));
      await(() -> guest.peer.takenBytes() == 1500, "not taken");
      assertArrayEquals(bytes, guest.peer.taken());
      guest.assertSilent();
    }
  }

  @ParameterizedTest
  @EnumSource
  void moreThanTheCreditCostsTheConnection(Transport transport) throws Exception {
    VirtioVsock device = new VirtioVsock("test", VsockFixture.CID, 1000);
    try (VsockFixture guest = new VsockFixture(transport, device).startConnected()) {
      guest.peer.room(0);
      guest.send(Packet.data(1000, 5, random(1000, 1)));
      guest.send(Packet.data(1000, 5, random(1, 1)));
      assertEquals("RST 5>1000", guest.next().toString());
      assertFalse(guest.peer.isOver(), "bytes are waiting");
      guest.peer.makeRoom(Long.MAX_VALUE);
      assertArrayEquals(random(1000, 1), guest.peer.taken());
      assertEquals("at 1000 closed PROTOCOL_ERROR", guest.peer.lastHeard());
      guest.assertSilent();
    }
  }

  @ParameterizedTest
  @EnumSource
  void theHostStopsAtTheGuestsCredit(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      VsockConnection connection = guest.peer.connection();
      guest.send(Packet.of(Packet.CREDIT_UPDATE, 1000, 5).withCredit(100, 0));
      Thread sender = VsockFixture.offerAll(connection, random(250, 1));
      assertEquals("RW 5>1000 100 bytes", guest.next().toString());
      assertEquals("CREDIT_REQUEST 5>1000", guest.next().toString());
      guest.send(Packet.of(Packet.CREDIT_UPDATE, 1000, 5).withCredit(100, 0));
      assertEquals(0, connection.offer(ByteBuffer.allocate(1)));
      guest.assertSilent();
      guest.send(Packet.of(Packet.CREDIT_UPDATE, 1000, 5).withCredit(100, 1));
      assertEquals("RW 5>1000 1 bytes", guest.next().toString());
      assertEquals("CREDIT_REQUEST 5>1000", guest.next().toString());
      // Nonsense is no credit: more taken than was sent, a buffer that shrank.
      guest.send(Packet.of(Packet.CREDIT_UPDATE, 1000, 5).withCredit(100, 102));
      guest.send(Packet.of(Packet.CREDIT_UPDATE, 1000, 5).withCredit(50, 10));
      guest.assertSilent();
      guest.send(Packet.data(1000, 5, new byte[1]).withCredit(-1, 101));
      assertEquals("RW 5>1000 149 bytes", guest.next().toString());
      VsockFixture.assertEnds(sender);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theHostWaitsForBuffers(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startBare()) {
      guest.device.listen(5, guest.peer);
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      await(() -> guest.peer.connection() != null, "no connection");
      Thread sender = VsockFixture.offerAll(guest.peer.connection(), random(50_000, 1));
      ByteBuffer got = ByteBuffer.allocate(50_000);
      guest.giveBuffers(1);
      await(guest::hasPacket, "no packet");
      assertEquals("RESPONSE 5>1000", guest.poll().toString());
      while (got.hasRemaining()) {
        guest.giveBuffers(1);
        await(guest::hasPacket, "no packet");
        got.put(guest.poll().payload());
      }
      VsockFixture.assertEnds(sender);
      assertArrayEquals(random(50_000, 1), got.array());
    }
  }

  /** No notification comes for them: they were there before anybody asked for one. */
  @ParameterizedTest
  @EnumSource
  void buffersThatCameBeforeTheWaitCount(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startBare()) {
      guest.device.listen(5, guest.peer);
      guest.giveBuffers(1);
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      await(() -> guest.peer.heard.contains("connected"), "no connection");
      VsockConnection connection = guest.peer.connection();
      for (int round = 0; round < 20; round++) {
        assertEquals(0, connection.offer(ByteBuffer.allocate(1)));
        guest.giveBuffers(1);
        VsockFixture.assertEnds(VsockFixture.start(() -> connection.awaitRoom(3_600_000)));
        assertEquals(1, connection.offer(ByteBuffer.allocate(1)));
      }
    }
  }

  /** All three counters go round several times. */
  @Test
  void countersWrap() {
    int buffer = 1 << 20;
    Credit credit = new Credit(buffer);
    int guestForwarded = 0;
    for (int i = 0; i < 20_000; i++) {
      assertTrue(credit.receive(buffer));
      assertFalse(credit.receive(1));
      assertFalse(credit.receive(0xffff_ffffL));
      assertFalse(credit.forward(buffer / 2 - 1));
      assertTrue(credit.forward(buffer / 2 + 1));
      assertEquals((i + 1) * buffer, credit.tell());
      credit.guest(1 << 30, guestForwarded);
      assertEquals(1 << 30, credit.free());
      credit.send(1 << 30);
      assertEquals(0, credit.free());
      guestForwarded += 1 << 30;
    }
    credit.guest(-1, guestForwarded);
    assertEquals(0xffff_ffffL, credit.free());
  }

  @ParameterizedTest
  @EnumSource
  void aPeerThatFailsCostsItsConnection(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      guest.peer.fail(new IllegalStateException("a bug of the host's"));
      guest.send(Packet.data(1000, 5, random(40_000, 1)));
      assertEquals("RST 5>1000", guest.next().toString());
      await(guest.peer::isOver, "not over");
      assertEquals(1, guest.peer.calls());
      assertEquals(List.of("connected", "at 0 closed PEER_FAILED"), guest.peer.heard);
      guest.assertSilent();
      assertFalse(guest.needsReset());
    }
  }
}
