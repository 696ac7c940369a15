// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.Callable;

/** A socket device behind a transport, and a driver for its queues. */
final class VsockFixture implements AutoCloseable {
  static final int RAM = 4 << 20;
  static final long CID = 42;
  static final int NEEDS_RESET = 64;
  static final int RX = 0;
  static final int TX = 1;
  static final int EVENT = 2;

  /** Where buffers go. */
  static final long RX_DATA = 1 << 20;

  static final long TX_DATA = 2 << 20;
  static final long EVENT_DATA = 3 << 20;

  /** Length of a receive buffer, and the distance of two. */
  static final int RX_BYTES = 4096;

  final GuestMemory memory;
  final VirtioVsock device;
  final GuestDriver guest;
  final SplitRingDriver[] rings = new SplitRingDriver[3];
  final RecordingPeer peer = new RecordingPeer();
  final int[] sizes;

  private int rxSeen;

  VsockFixture(Transport transport) throws Exception {
    this(transport, new VirtioVsock("test", CID));
  }

  VsockFixture(Transport transport, VirtioVsock device) throws Exception {
    this.device = device;
    sizes = device.queueSizes();
    memory = GuestMemory.allocate(RAM);
    guest = transport.attach(device, TestHost.of(memory));
  }

  /** From reset to DRIVER_OK without buffers. */
  VsockFixture startBare() throws GuestFault {
    guest.negotiateWithout(0);
    for (int i = 0; i < rings.length; i++) {
      rings[i] = new SplitRingDriver(memory, sizes[i], 0x10000 + 0x2000L * i);
      guest.setUpQueue(i, rings[i]);
    }
    rxSeen = 0;
    guest.driverOk();
    return this;
  }

  /** The same with all receive buffers. */
  VsockFixture start() throws GuestFault {
    startBare();
    giveBuffers(sizes[RX]);
    return this;
  }

  /** And {@link #peer} has a connection that the guest has made, from port 1000 to 5. */
  VsockFixture startConnected() throws GuestFault {
    start();
    device.listen(5, peer);
    send(Packet.of(Packet.REQUEST, 1000, 5));
    assertEquals("RESPONSE 5>1000", next().toString());
    await(() -> peer.heard.contains("connected"), "not connected");
    return this;
  }

  void giveBuffers(int count) throws GuestFault {
    for (int i = 0; i < count; i++) {
      int slot = rings[RX].availIndex() % sizes[RX];
      rings[RX].add(Buffer.in(RX_DATA + (long) slot * RX_BYTES, RX_BYTES));
    }
    guest.notifyQueue(RX);
  }

  boolean needsReset() {
    return (guest.status() & NEEDS_RESET) != 0;
  }

  void awaitNeedsReset() throws GuestFault {
    await(this::needsReset, "goes on");
  }

  static void await(MmioDriver.Condition condition, String otherwise) throws GuestFault {
    assertTrue(MmioDriver.await(condition), otherwise);
  }

  /** Sends a packet in two buffers and waits until it is taken. */
  void send(Packet packet) throws GuestFault {
    add(packet);
    awaitTaken();
  }

  /** Sends a packet without waiting; the one before must have been taken. */
  void add(Packet packet) throws GuestFault {
    byte[] bytes = packet.bytes();
    memory.write(TX_DATA, bytes, 0, bytes.length);
    int first = Math.min(bytes.length, 1 + Math.floorMod(packet.sourcePort(), 60));
    if (first == bytes.length) {
      addRaw(Buffer.out(TX_DATA, first));
    } else {
      addRaw(Buffer.out(TX_DATA, first), Buffer.out(TX_DATA + first, bytes.length - first));
    }
  }

  void addRaw(Buffer... buffers) throws GuestFault {
    rings[TX].add(buffers);
    guest.notifyQueue(TX);
  }

  void sendRaw(Buffer... buffers) throws GuestFault {
    addRaw(buffers);
    awaitTaken();
  }

  boolean taken() throws GuestFault {
    return rings[TX].usedIndex() == rings[TX].availIndex();
  }

  void awaitTaken() throws GuestFault {
    await(() -> taken() || needsReset(), "not taken");
  }

  boolean hasPacket() throws GuestFault {
    return rings[RX].usedIndex() != (rxSeen & 0xffff);
  }

  /** The next packet of the device, whose buffer is kept; null if there is none. */
  Packet poll() throws GuestFault {
    if (!hasPacket()) {
      return null;
    }
    long at = RX_DATA + (long) rings[RX].usedId(rxSeen) * RX_BYTES;
    Packet packet = Packet.parse(read(at, rings[RX].usedLength(rxSeen)));
    rxSeen++;
    assertEquals(2, packet.sourceCid());
    assertEquals(CID, packet.targetCid());
    assertEquals(packet.payload().length, packet.length());
    return packet;
  }

  /** The next packet of the device, which gets the buffer back. */
  Packet next() throws GuestFault {
    await(this::hasPacket, "no packet");
    Packet packet = poll();
    assertNotNull(packet);
    giveBuffers(1);
    return packet;
  }

  /** Fails if the device has said anything since: what is asked last is answered last. */
  void assertSilent() throws GuestFault {
    send(Packet.of(Packet.CREDIT_UPDATE, 0x7777, 0x7777));
    assertEquals("RST " + 0x7777 + ">" + 0x7777, next().toString());
  }

  byte[] read(long address, int length) throws GuestFault {
    byte[] bytes = new byte[length];
    memory.read(address, bytes, 0, length);
    return bytes;
  }

  static byte[] random(int length, long seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  /** A thread that gives a connection all bytes, however long that takes. */
  static Thread offerAll(VsockConnection connection, byte[] bytes) {
    return start(
        () -> {
          ByteBuffer left = ByteBuffer.wrap(bytes);
          boolean open = true;
          while (left.hasRemaining() && open) {
            connection.offer(left);
            // A wake-up that is lost must not pass.
            open = !left.hasRemaining() || connection.awaitRoom(3_600_000);
          }
          return null;
        });
  }

  static Thread start(Callable<?> action) {
    Thread thread =
        new Thread(
            () -> {
              try {
                action.call();
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  static void assertEnds(Thread thread) throws InterruptedException {
    thread.join(60_000);
    assertTrue(!thread.isAlive(), "still at work");
  }

  /** The threads of the device's queues that live now. */
  static long queueThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(TestHost.MACHINE + "/virtio-vsock test"))
        .count();
  }

  @Override
  public void close() {
    guest.close();
    memory.close();
    assertEquals(0, queueThreads());
  }
}
