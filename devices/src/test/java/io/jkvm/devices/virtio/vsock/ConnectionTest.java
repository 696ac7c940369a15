// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import static io.jkvm.devices.virtio.vsock.VsockFixture.RX;
import static io.jkvm.devices.virtio.vsock.VsockFixture.RX_DATA;
import static io.jkvm.devices.virtio.vsock.VsockFixture.TX;
import static io.jkvm.devices.virtio.vsock.VsockFixture.TX_DATA;
import static io.jkvm.devices.virtio.vsock.VsockFixture.await;
import static io.jkvm.devices.virtio.vsock.VsockFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How connections begin, and bytes both ways. */
@Timeout(300)
class ConnectionTest {
  @Test
  void theConfigurationHasTheGuestsCid() {
    VirtioVsock device = new VirtioVsock("x", 0xffff_fffeL);
    assertEquals(0xffff_fffeL, device.config().read(0, 8));
    assertEquals(0xffff_fffeL, device.config().read(0, 4));
    assertEquals(0, device.config().read(4, 4));
    assertEquals(8, device.config().length());
    assertEquals(19, VirtioType.SOCKET.deviceId());
    assertEquals(0, device.features());
    for (long cid : new long[] {-1, 0, 1, 2, 0xffff_ffffL, 1L << 32}) {
      assertThrows(IllegalArgumentException.class, () -> new VirtioVsock("x", cid));
    }
  }

  @ParameterizedTest
  @EnumSource
  void theGuestConnects(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      assertEquals(5, guest.peer.connection().hostPort());
      assertEquals(1000, guest.peer.connection().guestPort());
      guest.send(Packet.data(1000, 5, random(3000, 1)));
      guest.send(Packet.data(1000, 5, random(1, 2)));
      await(() -> guest.peer.takenBytes() == 3001, "not taken");
      byte[] expected = ByteBuffer.allocate(3001).put(random(3000, 1)).put(random(1, 2)).array();
      assertArrayEquals(expected, guest.peer.taken());
      ByteBuffer bytes = ByteBuffer.wrap(random(6000, 3)).position(100).asReadOnlyBuffer();
      assertEquals(5900, guest.peer.connection().offer(bytes));
      assertEquals(6000, bytes.position());
      ByteBuffer got = ByteBuffer.allocate(6000).put(random(6000, 3), 0, 100);
      while (got.hasRemaining()) {
        Packet packet = guest.next();
        assertEquals(Packet.RW, packet.operation());
        got.put(packet.payload());
      }
      assertArrayEquals(random(6000, 3), got.array());
      guest.assertSilent();
    }
  }

  @Test
  void onlyRootOfTheGuestHasPrivilegedPorts() throws Exception {
    try (VsockFixture guest = new VsockFixture(Transport.PCI).start()) {
      guest.device.listen(6, guest.peer.forPrivilegedPorts());
      for (int port : new int[] {1024, 0x7fff_ffff, 0x8000_0000, -1}) {
        guest.send(Packet.of(Packet.REQUEST, port, 6));
        assertEquals("RST 6>" + Integer.toUnsignedString(port), guest.next().toString());
      }
      assertTrue(guest.peer.heard.isEmpty(), guest.peer.heard::toString);
      guest.send(Packet.of(Packet.REQUEST, 1023, 6));
      assertEquals("RESPONSE 6>1023", guest.next().toString());
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatTheGuestHasSentIsTakenFirst(Transport transport) throws Exception {
    CompletableFuture<Boolean> idle = new CompletableFuture<>();
    new VirtioVsock("x", 3).afterReceived(() -> idle.complete(true));
    assertTrue(idle.isDone(), "nothing can be on its way");
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      for (int packets = 1; packets <= 30; packets++) {
        guest.add(Packet.data(1000, 5, random(1000, packets)));
        CompletableFuture<Long> taken = new CompletableFuture<>();
        guest.device.afterReceived(() -> taken.complete((long) guest.peer.takenBytes()));
        assertEquals(1000L * packets, taken.get());
        guest.awaitTaken();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theHostConnects(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).start()) {
      VsockConnection connection = guest.device.connect(22, guest.peer);
      Packet request = guest.next();
      assertEquals(Packet.REQUEST, request.operation());
      assertEquals(22, request.targetPort());
      assertEquals(connection.hostPort(), request.sourcePort());
      assertEquals(VirtioVsock.DEFAULT_BUFFER_BYTES, request.bufAlloc());
      assertEquals(0, connection.offer(ByteBuffer.allocate(10)), "not open yet");
      guest.send(Packet.of(Packet.RESPONSE, 22, connection.hostPort()));
      await(() -> guest.peer.heard.equals(List.of("connected")), "not connected");
      assertEquals(10, connection.offer(ByteBuffer.allocate(10)));
      assertEquals("RW " + connection.hostPort() + ">22 10 bytes", guest.next().toString());
      guest.send(Packet.data(22, connection.hostPort(), random(50, 1)));
      await(() -> guest.peer.takenBytes() == 50, "not taken");
      assertArrayEquals(random(50, 1), guest.peer.taken());
      VsockConnection other = guest.device.connect(22, new RecordingPeer());
      assertEquals("REQUEST " + other.hostPort() + ">22", guest.next().toString());
      assertFalse(other.hostPort() == connection.hostPort());
    }
  }

  @ParameterizedTest
  @EnumSource
  void descriptorsMayBeCutAnywhere(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startConnected()) {
      Random random = new Random(3);
      ByteBuffer expected = ByteBuffer.allocate(200_000);
      while (expected.position() < 150_000) {
        byte[] payload = random(1 + random.nextInt(40_000), expected.position());
        byte[] bytes = Packet.data(1000, 5, payload).bytes();
        expected.put(payload);
        guest.memory.write(TX_DATA, bytes, 0, bytes.length);
        List<Buffer> cut = new ArrayList<>();
        for (int at = 0; at < bytes.length; ) {
          int most = at < 50 ? 20 : bytes.length / 5;
          int part = Math.min(bytes.length - at, 1 + random.nextInt(most));
          cut.add(Buffer.out(TX_DATA + at, part));
          at += part;
        }
        Buffer[] buffers = cut.toArray(Buffer[]::new);
        if (random.nextBoolean()) {
          guest.rings[TX].addIndirect(0x30000, buffers);
          guest.guest.notifyQueue(TX);
          guest.awaitTaken();
        } else {
          guest.sendRaw(buffers);
        }
        while (guest.hasPacket()) {
          assertEquals(Packet.CREDIT_UPDATE, guest.next().operation());
        }
      }
      byte[] all = Arrays.copyOf(expected.array(), expected.position());
      await(() -> guest.peer.takenBytes() == all.length, "not taken");
      assertArrayEquals(all, guest.peer.taken());
      // To the guest: the header in three buffers, and a byte by itself.
      guest.startBare();
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      Buffer[] buffers = {
        Buffer.in(RX_DATA, 1),
        Buffer.in(RX_DATA + 100, 42),
        Buffer.in(RX_DATA + 200, 2),
        Buffer.in(RX_DATA + 300, 1),
        Buffer.in(RX_DATA + 400, 50)
      };
      guest.rings[RX].add(buffers);
      guest.rings[RX].addIndirect(0x30000, buffers);
      guest.guest.notifyQueue(RX);
      await(() -> guest.rings[RX].usedIndex() == 1, "no answer");
      await(() -> "connected".equals(guest.peer.lastHeard()), "not connected");
      byte[] data = random(100, 1);
      assertEquals(52, guest.peer.connection().offer(ByteBuffer.wrap(data)));
      assertEquals(96, guest.rings[RX].usedLength(1));
      ByteBuffer got = ByteBuffer.allocate(96);
      for (Buffer buffer : buffers) {
        got.put(guest.read(buffer.address(), buffer.length()));
      }
      Packet packet = Packet.parse(got.array());
      assertEquals("RW 5>1000 52 bytes", packet.toString());
      assertArrayEquals(Arrays.copyOf(data, 52), packet.payload());
    }
  }

  /** The answer is the first that the guest gets, whatever the host's side does. */
  @ParameterizedTest
  @EnumSource
  void aResponseComesBeforeTheFirstByte(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).startBare()) {
      guest.device.listen(
          7,
          connection -> {
            assertEquals(0, connection.offer(ByteBuffer.allocate(3)));
            return new VsockPeer() {
              @Override
              public void connected() {
                VsockFixture.offerAll(connection, new byte[3]);
              }

              @Override
              public void accept(ByteBuffer bytes) {}
            };
          });
      guest.send(Packet.of(Packet.REQUEST, 1000, 7));
      guest.giveBuffers(3);
      assertEquals("RESPONSE 7>1000", guest.next().toString());
      assertEquals("RW 7>1000 3 bytes", guest.next().toString());
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatIsNotListenedAtIsRefused(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).start()) {
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      assertEquals("RST 5>1000", guest.next().toString());
      VsockListener listener = guest.device.listen(5, connection -> null);
      assertThrows(IllegalStateException.class, () -> guest.device.listen(5, guest.peer));
      assertThrows(IllegalArgumentException.class, () -> guest.device.listen(-1, guest.peer));
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      assertEquals("RST 5>1000", guest.next().toString());
      listener.close();
      VsockListener failing =
          guest.device.listen(
              5,
              connection -> {
                throw new IllegalStateException("a bug of the host's");
              });
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      assertEquals("RST 5>1000", guest.next().toString());
      failing.close();
      listener.close(); // must not close the other's
      guest.device.listen(
          5,
          connection -> {
            connection.close();
            return guest.peer;
          });
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      assertEquals("RST 5>1000", guest.next().toString());
      await(guest.peer::isOver, "not over");
      assertEquals(List.of("at 0 closed CLOSED_BY_HOST"), guest.peer.heard);
      guest.assertSilent();
    }
  }

  @ParameterizedTest
  @EnumSource
  void theGuestRefuses(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).start()) {
      VsockConnection connection = guest.device.connect(22, guest.peer);
      guest.next();
      guest.send(Packet.of(Packet.RST, 22, connection.hostPort()));
      await(guest.peer::isOver, "not over");
      assertEquals(List.of("at 0 closed REFUSED"), guest.peer.heard);
      assertFalse(connection.awaitRoom(1000));
      assertEquals(0, connection.offer(ByteBuffer.allocate(1)));
      connection.close();
      connection.reset();
      connection.shutdownOutput();
      connection.roomInHost();
      assertEquals(1, guest.peer.heard.size());
      guest.assertSilent();
    }
  }

  @ParameterizedTest
  @EnumSource
  void withoutADriverThereIsNoConnection(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport)) {
      guest.device.connect(22, guest.peer);
      assertEquals(List.of("at 0 closed NO_DRIVER"), guest.peer.heard);
      guest.device.listen(5, guest.peer); // waits for the guest
      guest.start();
      guest.send(Packet.of(Packet.REQUEST, 1000, 5));
      assertEquals("RESPONSE 5>1000", guest.next().toString());
    }
  }

  @ParameterizedTest
  @EnumSource
  void thereIsALimit(Transport transport) throws Exception {
    try (VsockFixture guest = new VsockFixture(transport).start()) {
      guest.device.listen(5, guest.peer);
      for (int i = 0; i < VirtioVsock.MAX_CONNECTIONS; i++) {
        guest.send(Packet.of(Packet.REQUEST, i, 5));
        assertEquals("RESPONSE 5>" + i, guest.next().toString());
      }
      guest.send(Packet.of(Packet.REQUEST, 5000, 5));
      assertEquals("RST 5>5000", guest.next().toString());
      RecordingPeer late = new RecordingPeer();
      guest.device.connect(1, late);
      assertEquals(List.of("at 0 closed TOO_MANY"), late.heard);
      guest.send(Packet.of(Packet.RST, 17, 5));
      guest.send(Packet.of(Packet.REQUEST, 5000, 5));
      assertEquals("RESPONSE 5>5000", guest.next().toString());
    }
  }
}
