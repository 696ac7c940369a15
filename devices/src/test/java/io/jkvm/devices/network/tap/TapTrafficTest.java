// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.tap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.InternetChecksum;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.frame.VnetHeader;
import io.netty.buffer.ByteBuf;
import java.lang.management.ManagementFactory;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames to and from a tap interface, with the kernel as the other side. */
@Timeout(300)
class TapTrafficTest {
  @Test
  void answersPing() throws Exception {
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.openWithAddress(1)) {
      EchoGuest guest = new EchoGuest(tap);
      tap.start(guest);
      for (int i = 0; i < 10; i++) {
        assertTrue(host.ping());
      }
      assertEquals(10, guest.pings.get());
      assertEquals(0, guest.refused.get());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {68, 1500, 9000, 65521})
  void carriesPacketsUpToTheMtu(int mtu) throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      host.namespace.exec("ip", "tuntap", "add", HostNetwork.TAP, "mode", "tap");
      host.namespace.exec("ip", "link", "set", HostNetwork.TAP, "mtu", "" + mtu, "up");
      try (TapBackend tap = host.openWithAddress(1);
          DatagramSocket socket = host.socket()) {
        assertEquals(mtu, tap.mtu().orElseThrow());
        EchoGuest guest = new EchoGuest(tap);
        tap.start(guest);
        int largest = Math.min(mtu - 28, 65507);
        assertTrue(HostNetwork.echo(socket, largest), "a full packet");
        assertEquals(1, guest.datagrams.get());
        if (largest > 1000) {
          assertTrue(HostNetwork.echo(socket, 1), "a small one");
        }
      }
    }
  }

  /** A datagram that is left to be cut into fragments arrives whole; Linux itself leaves none. */
  @Test
  void aDatagramThatIsNotFragmentedYetArrives() throws Exception {
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.openWithAddress(1);
        DatagramSocket socket = host.socket()) {
      assumeTrue((tap.transmitOffloads() & Offload.UFO) != 0, "this kernel's taps have no UFO");
      tap.start(new EchoGuest(tap));
      byte[] payload = new byte[6000];
      new Random(1).nextBytes(payload);
      assertTrue(tap.transmit(0, unfragmented(socket.getLocalPort(), payload)));
      DatagramPacket received = new DatagramPacket(new byte[7000], 7000);
      socket.receive(received);
      assertArrayEquals(payload, Arrays.copyOf(received.getData(), received.getLength()));
    }
  }

  private static Frame unfragmented(int port, byte[] payload) {
    int udpBytes = 8 + payload.length;
    Frame frame = new Frame();
    ByteBuf bytes = frame.bytes();
    bytes.writeInt(-1).writeShort(-1).writeShort(0x0200).writeInt(0x55).writeShort(0x0800);
    int ip = bytes.writerIndex();
    bytes.writeShort(0x4500).writeShort(20 + udpBytes).writeInt(0).writeShort(0x4011).writeShort(0);
    bytes.writeInt(0xc0000202).writeInt(0xc0000201);
    bytes.setShort(ip + 10, ~InternetChecksum.sum(frame.memory(), ip, 20));
    int pseudo = InternetChecksum.sum(frame.memory(), ip + 12, 8) + 17 + udpBytes;
    bytes.writeShort(9).writeShort(port).writeShort(udpBytes);
    bytes.writeShort(InternetChecksum.fold(pseudo)).writeBytes(payload);
    frame.header().needChecksum(34, 6);
    frame.header().segment(VnetHeader.GSO_UDP, 42, 1480);
    return frame;
  }

  /** Without offloads the kernel computes every checksum itself. */
  @Test
  void leavesUndoneOnlyWhatTheGuestTakes() throws Exception {
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.openWithAddress(1);
        DatagramSocket socket = host.socket()) {
      AtomicInteger undone = new AtomicInteger();
      EchoGuest guest =
          new EchoGuest(tap) {
            @Override
            public boolean receive(int queuePair, Frame frame) {
              undone.accumulateAndGet(frame.header().offloads(), (a, b) -> a | b);
              return super.receive(queuePair, frame);
            }
          };
      tap.start(guest);
      assertTrue(HostNetwork.echo(socket, 1000));
      assertEquals(Offload.NONE, undone.get());
      tap.receiveOffloads(Offload.SOFTWARE);
      assertTrue(HostNetwork.echo(socket, 1000), "the host accepts NEEDS_CSUM from the guest");
      assertEquals(Offload.CSUM, undone.getAndSet(0));
      for (int mask : new int[] {Offload.TSO4 | Offload.TSO6, Offload.NONE, Offload.ECN}) {
        tap.receiveOffloads(mask);
        assertTrue(HostNetwork.echo(socket, 1000));
        assertEquals(Offload.NONE, undone.get(), "nothing without CSUM");
      }
      tap.receiveOffloads(Offload.CSUM | Offload.ECN | Offload.UFO);
      assertTrue(HostNetwork.echo(socket, 1000));
      assertEquals(Offload.CSUM, undone.get());
    }
  }

  /** The kernel spreads flows over the queues, and each is answered. */
  @Test
  void servesSeveralQueues() throws Exception {
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.openWithAddress(4)) {
      assertEquals(4, tap.queuePairs());
      EchoGuest guest = new EchoGuest(tap);
      tap.start(guest);
      for (int i = 0; i < 64; i++) {
        try (DatagramSocket socket = host.socket()) {
          assertTrue(HostNetwork.echo(socket, 100 + i));
        }
      }
      assertEquals(64, guest.datagrams.get());
      int used = 0;
      for (int queue = 0; queue < 4; queue++) {
        used += guest.perQueue.get(queue) > 0 ? 1 : 0;
      }
      assertTrue(used >= 2, guest.perQueue::toString);
    }
  }

  /** One frame waits in the backend, a bounded number in the kernel, in their order. */
  @Test
  void keepsAFrameUntilTheGuestHasRoom() throws Exception {
    int sent = 3000;
    Semaphore room = new Semaphore(0);
    AtomicInteger refusals = new AtomicInteger();
    AtomicInteger waitCalls = new AtomicInteger();
    AtomicInteger shortestWait = new AtomicInteger(Integer.MAX_VALUE);
    Semaphore waits = new Semaphore(0);
    AtomicLong last = new AtomicLong(-1);
    AtomicInteger taken = new AtomicInteger();
    Queue<Long> wrong = new ConcurrentLinkedQueue<>();
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.openWithAddress(1);
        DatagramSocket socket = host.socket()) {
      host.namespace.exec(
          "ip",
          "neigh",
          "add",
          HostNetwork.GUEST,
          "lladdr",
          "02:00:00:00:00:55",
          "dev",
          "jkvmtest0");
      NetworkCard card =
          new NetworkCard() {
            @Override
            public boolean receive(int queuePair, Frame frame) {
              if (!room.tryAcquire()) {
                refusals.incrementAndGet();
                return false;
              }
              long number = frame.bytes().getLong(frame.bytes().readerIndex() + 42);
              if (number != last.getAndSet(number) + 1 && number < 400) {
                wrong.add(number);
              }
              taken.addAndGet(number < sent ? 1 : 0);
              return true;
            }

            @Override
            public void awaitRoom(int queuePair, int timeoutMilliseconds) {
              waitCalls.incrementAndGet();
              shortestWait.accumulateAndGet(timeoutMilliseconds, Math::min);
              waits.release();
              try {
                if (room.tryAcquire(timeoutMilliseconds, TimeUnit.MILLISECONDS)) {
                  room.release();
                }
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            }

            @Override
            public void setLink(boolean up) {}
          };
      tap.start(card);
      InetAddress guest = InetAddress.getByName(HostNetwork.GUEST);
      byte[] data = new byte[8];
      for (int i = 0; i < sent; i++) {
        java.nio.ByteBuffer.wrap(data).putLong(i);
        socket.send(new DatagramPacket(data, 8, guest, 9));
      }
      waits.acquire(3);
      assertEquals(0, taken.get());
      room.release(2 * sent);
      // One more says that all before it were taken; the kernel has room for it sooner or later.
      java.nio.ByteBuffer.wrap(data).putLong(sent);
      while (last.get() != sent) {
        socket.send(new DatagramPacket(data, 8, guest, 9));
        TimeUnit.MILLISECONDS.sleep(10);
      }
      assertTrue(refusals.get() > 0 && refusals.get() <= waitCalls.get() + 1, "asks, then waits");
      assertTrue(shortestWait.get() >= 20, "and does not spin: " + shortestWait + " ms");
      assertTrue(wrong.isEmpty(), "lost, twice or out of order: " + wrong);
      assertTrue(taken.get() >= 400 && taken.get() < sent, "taken: " + taken);
    }
  }

  /** By this backend; what a guest's card does with the frames is its own affair. */
  @Test
  void allocatesNothingPerFrame() throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long[] inReader = new long[2];
    CountDownLatch received = new CountDownLatch(20_000);
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.openWithAddress(1);
        DatagramSocket socket = host.socket()) {
      host.namespace.exec(
          "ip",
          "neigh",
          "add",
          HostNetwork.GUEST,
          "lladdr",
          "02:00:00:00:00:55",
          "dev",
          "jkvmtest0");
      EchoGuest guest =
          new EchoGuest(tap) {
            @Override
            public boolean receive(int queuePair, Frame frame) {
              received.countDown();
              long left = received.getCount();
              if (left == 10_000 || left == 0) {
                inReader[left == 0 ? 1 : 0] = threads.getCurrentThreadAllocatedBytes();
              }
              return true;
            }
          };
      tap.start(guest);
      DatagramPacket packet =
          new DatagramPacket(new byte[8], 8, InetAddress.getByName(HostNetwork.GUEST), 9);
      while (received.getCount() > 0) {
        socket.send(packet);
      }
      Frame frame = new Frame();
      frame.bytes().writeZero(60).setByte(frame.bytes().readerIndex(), 0xff);
      long before = 0;
      for (int i = 0; i < 20_000; i++) {
        before = i == 10_000 ? threads.getCurrentThreadAllocatedBytes() : before;
        assertTrue(tap.transmit(0, frame));
      }
      long sending = threads.getCurrentThreadAllocatedBytes() - before;
      // The smallest object has 16 bytes; less than one a frame is the JVM's own doing.
      assertTrue(sending < 10_000 * 16, "10,000 frames sent: " + sending + " bytes");
      long receiving = inReader[1] - inReader[0];
      assertTrue(receiving < 10_000 * 16, "10,000 frames received: " + receiving + " bytes");
    }
  }
}
