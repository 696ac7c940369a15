// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import static io.jkvm.devices.virtio.vsock.VsockFixture.await;
import static io.jkvm.devices.virtio.vsock.VsockFixture.random;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How connections end: by halves, in good order, and not. */
@Timeout(300)
class ShutdownTest {
  private static final int NO_RECEIVE = 1;
  private static final int NO_SEND = 2;
  private static final int BOTH = 3;

  private static Packet shutdown(int flags) {
    return Packet.of(Packet.SHUTDOWN, 1000, 5).withFlags(flags);
  }

  @ParameterizedTest
  @EnumSource
  void theGuestEndsItsStreamAndStillReceives(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      guest.peer.room(10);
      guest.send(Packet.data(1000, 5, random(100, 1)));
      guest.send(shutdown(NO_SEND));
      guest.send(shutdown(0)); // takes nothing back
      assertEquals(List.of("connected"), guest.peer.heard);
      guest.peer.makeRoom(Long.MAX_VALUE);
      assertEquals("at 100 guest sends false receives true", guest.peer.lastHeard());
      assertEquals(7, guest.peer.connection().offer(ByteBuffer.allocate(7)));
      assertEquals("RW 5>1000 7 bytes", guest.next().toString());
      guest.assertSilent();
      guest.send(shutdown(NO_RECEIVE));
      assertEquals("RST 5>1000", guest.next().toString());
      await(guest.peer::isOver, "not over");
      assertEquals(
          List.of(
              "connected",
              "at 100 guest sends false receives true",
              "at 100 guest sends false receives false",
              "at 100 closed CLOSED_BY_GUEST"),
          guest.peer.heard);
      guest.send(Packet.of(Packet.RST, 1000, 5));
      guest.assertSilent();
    }
  }

  @ParameterizedTest
  @EnumSource
  void theGuestTakesNoMoreAndStillSends(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      guest.send(Packet.of(Packet.CREDIT_UPDATE, 1000, 5).withCredit(0, 0));
      Thread sender = VsockFixture.offerAll(guest.peer.connection(), random(100, 1));
      assertEquals("CREDIT_REQUEST 5>1000", guest.next().toString());
      guest.send(shutdown(NO_RECEIVE));
      VsockFixture.assertEnds(sender);
      assertFalse(guest.peer.connection().awaitRoom(1000));
      assertEquals(0, guest.peer.connection().offer(ByteBuffer.allocate(1)));
      guest.send(Packet.data(1000, 5, random(100, 1)));
      await(() -> guest.peer.takenBytes() == 100, "not taken");
      assertEquals("at 0 guest sends true receives false", guest.peer.lastHeard());
    }
  }

  @ParameterizedTest
  @EnumSource
  void bytesAfterTheEndCostTheConnection(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      guest.send(shutdown(NO_SEND));
      guest.send(Packet.data(1000, 5, random(1, 1)));
      assertEquals("RST 5>1000", guest.next().toString());
      await(guest.peer::isOver, "not over");
      assertEquals("at 0 closed PROTOCOL_ERROR", guest.peer.lastHeard());
    }
  }

  @ParameterizedTest
  @EnumSource
  void theHostEndsItsStreamAndStillReceives(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      VsockConnection connection = guest.peer.connection();
      connection.offer(ByteBuffer.allocate(5));
      connection.shutdownOutput();
      connection.shutdownOutput();
      assertEquals("RW 5>1000 5 bytes", guest.next().toString());
      assertEquals("SHUTDOWN 5>1000 flags 2", guest.next().toString());
      assertEquals(0, connection.offer(ByteBuffer.allocate(1)));
      assertFalse(connection.awaitRoom(1000));
      guest.send(Packet.data(1000, 5, random(100, 1)));
      await(() -> guest.peer.takenBytes() == 100, "not taken");
      guest.assertSilent();
      connection.close();
      assertEquals("SHUTDOWN 5>1000 flags 3", guest.next().toString());
      assertEquals(List.of("connected"), guest.peer.heard);
      guest.send(Packet.of(Packet.RST, 1000, 5));
      await(guest.peer::isOver, "not over");
      assertEquals("at 100 closed CLOSED_BY_HOST", guest.peer.lastHeard());
      guest.assertSilent();
    }
  }

  /** Bytes that the host does not want any more are dropped, those that wait for room too. */
  @ParameterizedTest
  @EnumSource
  void theHostCloses(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      guest.peer.room(10);
      guest.send(Packet.data(1000, 5, random(60_000, 1)));
      guest.peer.connection().close();
      guest.peer.connection().close();
      guest.peer.makeRoom(1000);
      assertEquals("SHUTDOWN 5>1000 flags 3", guest.next().toString());
      guest.send(Packet.data(1000, 5, random(60_000, 1)));
      guest.send(Packet.of(Packet.CREDIT_REQUEST, 1000, 5));
      guest.send(shutdown(NO_SEND));
      guest.assertSilent();
      assertEquals(10, guest.peer.takenBytes());
      // The guest closes at the same time.
      guest.send(shutdown(NO_RECEIVE));
      assertEquals("RST 5>1000", guest.next().toString());
      await(guest.peer::isOver, "not over");
      assertEquals("at 10 closed CLOSED_BY_HOST", guest.peer.lastHeard());
      guest.send(Packet.of(Packet.RST, 1000, 5));
      guest.assertSilent();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aGuestThatDoesNotAgreeIsNotWaitedForForEver(Transport transport) throws Exception {
    VirtioVsock device = new VirtioVsock("test", VsockFixture.CID, 1000, 1);
    try (VsockFixture guest = new VsockFixture(transport, device).startConnected()) {
      guest.peer.connection().close();
      assertEquals("SHUTDOWN 5>1000 flags 3", guest.next().toString());
      assertEquals("RST 5>1000", guest.next().toString());
      await(guest.peer::isOver, "not over");
      assertEquals("at 0 closed CLOSED_BY_HOST", guest.peer.lastHeard());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aGuestWithoutBuffersIsNotWaitedForEither(Transport transport) throws Exception {
    VirtioVsock device = new VirtioVsock("test", VsockFixture.CID, 1000, 1);
    try (VsockFixture guest = new VsockFixture(transport, device).startBare()) {
      device.listen(5, guest.peer);
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      await(() -> guest.peer.heard.contains("connected"), "no connection");
      guest.peer.connection().close();
      await(guest.peer::isOver, "not over");
      guest.giveBuffers(10);
      assertEquals("RST 5>1000", guest.next().toString());
      guest.assertSilent();
    }
  }

  @ParameterizedTest
  @EnumSource
  void theHostBreaksOff(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      VsockConnection connection = guest.peer.connection();
      guest.peer.room(0);
      guest.send(Packet.data(1000, 5, random(100, 1)));
      connection.reset();
      assertEquals(List.of("connected", "at 0 closed CLOSED_BY_HOST"), guest.peer.heard);
      assertEquals("RST 5>1000", guest.next().toString());
      connection.reset();
      connection.close();
      guest.assertSilent();
      guest.send(Packet.of(Packet.REQUEST, 1000, 5)); // the ports are free again
      assertEquals("RESPONSE 5>1000", guest.next().toString());
      guest.peer.connection().close();
      assertEquals("SHUTDOWN 5>1000 flags 3", guest.next().toString());
      guest.peer.connection().reset();
      assertEquals("RST 5>1000", guest.next().toString());
      assertEquals("at 0 closed CLOSED_BY_HOST", guest.peer.lastHeard());
    }
  }

  @ParameterizedTest
  @EnumSource
  void theGuestBreaksOffAfterItsLastBytes(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      VsockConnection connection = guest.peer.connection();
      guest.peer.room(10);
      guest.send(Packet.data(1000, 5, random(100, 1)));
      guest.send(Packet.of(Packet.RST, 1000, 5));
      assertFalse(connection.awaitRoom(1000));
      // The ports are free while the host still reads.
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      assertEquals("RESPONSE 5>1000", guest.next().toString());
      guest.peer.room(Long.MAX_VALUE);
      connection.roomInHost();
      assertTrue(guest.peer.heard.contains("at 100 closed RESET_BY_GUEST"));
      guest.assertSilent();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aWishIsTakenBack(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startBare()) {
      guest.device.connect(22, guest.peer).close();
      guest.giveBuffers(10);
      guest.assertSilent(); // it was never heard of
      int port = guest.device.connect(22, guest.peer).hostPort();
      assertEquals("REQUEST " + port + ">22", guest.next().toString());
      RecordingPeer peer = new RecordingPeer();
      VsockConnection connection = guest.device.connect(23, peer);
      guest.next();
      connection.close();
      assertEquals("RST " + connection.hostPort() + ">23", guest.next().toString());
      assertEquals(List.of("at 0 closed CLOSED_BY_HOST"), peer.heard);
      guest.send(Packet.of(Packet.RESPONSE, 22, port).withFlags(BOTH));
      await(() -> guest.peer.lastHeard().equals("connected"), "not connected");
    }
  }
}
