// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import static io.jkvm.devices.virtio.console.ConsoleFixture.RING;
import static io.jkvm.devices.virtio.console.ConsoleFixture.assertEnds;
import static io.jkvm.devices.virtio.console.ConsoleFixture.inData;
import static io.jkvm.devices.virtio.console.ConsoleFixture.outData;
import static io.jkvm.devices.virtio.console.ConsoleFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Bytes both ways. */
@Timeout(300)
class PortDataTest {
  /** What the guest had sent before it closed its end, or was gone, is not lost behind that. */
  @ParameterizedTest
  @EnumSource
  void whatHasBeenSentComesBeforeWhatIsToFollowIt(Transport transport) throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      RecordingHost host = guest.hosts[1];
      host.gate(gate);
      guest.addOutput(1, guest.outBuffer(1, random(10_000, 1)));
      ConsoleFixture.await(host::takeEntered, "not asked");
      guest.addOutput(1, Buffer.out(outData(1), 7));
      CompletableFuture<Integer> seen = new CompletableFuture<>();
      guest.port(1).afterOutput(() -> seen.complete(host.takenBytes()));
      assertFalse(seen.isDone(), "the host has none of it yet");
      gate.countDown();
      assertEquals(10_007, seen.join());
      CompletableFuture<Integer> idle = new CompletableFuture<>();
      guest.port(1).afterOutput(() -> idle.complete(host.takenBytes()));
      assertEquals(10_007, idle.join(), "of a queue that is empty");
    } finally {
      gate.countDown();
    }
  }

  @ParameterizedTest
  @EnumSource
  void whereNothingIsServedNothingIsWaitedFor(Transport transport) throws Exception {
    ConsolePort port;
    AtomicInteger run = new AtomicInteger();
    try (ConsoleFixture guest = new ConsoleFixture(transport, 1)) {
      port = guest.port(0);
      port.afterOutput(run::incrementAndGet);
      assertEquals(1, run.get(), "before the driver");
      guest.startAndOpen();
      guest.hosts[0].room(0);
      guest.addOutput(0, guest.outBuffer(0, random(10, 1)));
      ConsoleFixture.await(() -> guest.hosts[0].calls() > 0, "not asked");
      port.afterOutput(run::incrementAndGet);
    }
    assertEquals(2, run.get(), "at the end, though the host never had room");
    port.afterOutput(run::incrementAndGet);
    assertEquals(3, run.get(), "after the end");
  }

  private static final int[] SIZES = {
    1, 2, 3, 63, 64, 65, 4095, 4096, 4097, 10_001, 65_536, 70_003
  };

  /** Cuts a range into buffers of odd sizes. */
  private static Buffer[] cut(long address, int length, Random random, boolean writable) {
    List<Buffer> buffers = new ArrayList<>();
    for (int at = 0; at < length; ) {
      int part = Math.min(length - at, 1 + random.nextInt(1 + length / 7));
      buffers.add(new Buffer(address + at, part, writable));
      at += part;
    }
    return buffers.toArray(Buffer[]::new);
  }

  @ParameterizedTest
  @EnumSource
  void outputArrivesByteForByte(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      Random random = new Random(1);
      for (int port = 0; port < 2; port++) {
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        for (int size : SIZES) {
          byte[] bytes = random(size, size);
          guest.memory.write(outData(port), bytes, 0, size);
          guest.send(port, cut(outData(port), size, random, false));
          guest.out(port).addIndirect(0x20000, cut(outData(port), size, random, false));
          guest.send(port, Buffer.out(outData(port), size));
          expected.writeBytes(bytes);
          expected.writeBytes(bytes);
          expected.writeBytes(bytes);
        }
        assertArrayEquals(expected.toByteArray(), guest.hosts[port].taken());
        for (int i = 0; i < guest.out(port).usedIndex(); i++) {
          assertEquals(0, guest.out(port).usedLength(i));
        }
      }
      assertFalse(guest.needsReset());
    }
  }

  @ParameterizedTest
  @EnumSource
  void inputArrivesByteForByte(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      Random random = new Random(2);
      for (int port = 0; port < 2; port++) {
        byte[] expected = random(50_000, port);
        Thread sender = ConsoleFixture.offerAll(guest.port(port), expected);
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        for (int used = 0; read.size() < expected.length; used++) {
          // One of the chain's buffers lies elsewhere, so that it is one of three.
          int length = 3 + random.nextInt(3000);
          long at = inData(port) + random.nextInt(1000);
          int first = 1 + random.nextInt(length - 2);
          guest
              .in(port)
              .add(
                  Buffer.in(at, first),
                  Buffer.in(at + 0x10000, 1),
                  Buffer.in(at + 0x20000, length - first - 1));
          guest.guest.notifyQueue(ConsoleFixture.inQueue(port));
          int target = (used + 1) & 0xffff;
          int taken = port;
          ConsoleFixture.await(() -> guest.in(taken).usedIndex() == target, "no input");
          int count = guest.in(port).usedLength(used);
          assertTrue(count > 0 && count <= length, "used length " + count);
          read.writeBytes(guest.read(at, Math.min(count, first)));
          read.writeBytes(guest.read(at + 0x10000, count > first ? 1 : 0));
          read.writeBytes(guest.read(at + 0x20000, Math.max(0, count - first - 1)));
        }
        assertEnds(sender);
        assertArrayEquals(expected, read.toByteArray());
      }
      assertTrue(guest.guest.takeInterrupts() > 0);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anOfferSaysHowMuchTheGuestGot(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 1).startAndOpen()) {
      guest.giveInput(0, inData(0), 10);
      guest.giveInput(0, inData(0) + 10, 20);
      ByteBuffer bytes = ByteBuffer.wrap(random(100, 1)).position(5).asReadOnlyBuffer();
      assertEquals(30, guest.port(0).offer(bytes));
      assertEquals(35, bytes.position());
      assertEquals(100, bytes.limit());
      assertEquals(0, guest.port(0).offer(bytes));
      assertArrayEquals(Arrays.copyOfRange(random(100, 1), 5, 35), guest.read(inData(0), 30));
      guest.giveInput(0, inData(0), 1000);
      assertEquals(65, guest.port(0).offer(bytes));
      assertEquals(0, guest.port(0).offer(bytes), "nothing to offer");
      assertEquals(3, guest.in(0).usedIndex());
      ByteBuffer direct = ByteBuffer.allocateDirect(7);
      guest.giveInput(0, inData(0), 5);
      assertEquals(5, guest.port(0).offer(direct));
    }
  }

  @ParameterizedTest
  @EnumSource
  void portsDoNotMix(Transport transport) throws Exception {
    int ports = 3;
    try (ConsoleFixture guest = new ConsoleFixture(transport, ports).startAndOpen()) {
      for (int port = 0; port < ports; port++) {
        guest.addOutput(port, guest.outBuffer(port, random(1000, port)));
        guest.giveInput(port, inData(port), 1000);
        assertEquals(1000, guest.port(port).offer(ByteBuffer.wrap(random(1000, 10 + port))));
      }
      for (int port = 0; port < ports; port++) {
        guest.awaitOutputTaken(port);
        assertArrayEquals(random(1000, port), guest.hosts[port].taken());
        assertArrayEquals(random(1000, 10 + port), guest.read(inData(port), 1000));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aDriverWithoutSeveralPortsHasTheFirst(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2)) {
      guest.port(0).open();
      Thread early = ConsoleFixture.offerAll(guest.port(0), random(50, 1));
      ConsoleFixture.await(() -> ConsoleFixture.waits(early), "does not wait");
      guest.startWithout(VirtioConsole.F_MULTIPORT);
      assertEquals(List.of(true), guest.hosts[0].ends);
      assertEquals(List.of(), guest.hosts[1].ends);
      for (int i = 0; i < RING; i++) {
        guest.giveInput(0, inData(0) + i, 1);
      }
      assertEnds(early);
      assertArrayEquals(random(50, 1), guest.read(inData(0), 50));
      guest.send(0, guest.outBuffer(0, random(300, 2)));
      assertArrayEquals(random(300, 2), guest.hosts[0].taken());
      guest.guest.status(0);
      ConsoleFixture.await(() -> guest.guest.status() == 0, "no reset");
      assertEquals(List.of(true, false), guest.hosts[0].ends);
    }
  }

  /** Neither direction makes garbage, or a chatty guest would keep the collector busy. */
  @Test
  void nothingIsAllocatedForAByte() throws Exception {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    PortHost host = bytes -> bytes.position(bytes.limit());
    VirtioConsole device = new VirtioConsole("x", List.of(PortSpec.console(host)));
    device.ports().get(0).open();
    try (ConsoleFixture guest = new ConsoleFixture(Transport.MMIO, 1).startAndOpen()) {
      SplitRingDriver ring = new SplitRingDriver(guest.memory, 16, 0x30000);
      Virtqueue rings = ring.device();
      RequestHandler output = HandlerAccess.of(device, 1, rings, device.features());
      ring.add(Buffer.out(outData(0), 5000), Buffer.out(outData(0), 7));
      DescriptorChain chain = rings.newChain();
      assertTrue(rings.poll(chain));
      ByteBuffer bytes = ByteBuffer.wrap(random(RING, 1));
      long sending = Long.MAX_VALUE;
      long receiving = Long.MAX_VALUE;
      // What is left once classes are loaded and code is compiled.
      for (int round = 0; round < 200; round++) {
        for (int i = 0; i < RING; i++) {
          guest.in(0).add(Buffer.in(inData(0), 1));
        }
        bytes.clear();
        long before = threads.getCurrentThreadAllocatedBytes();
        int count = guest.port(0).offer(bytes);
        long between = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100; i++) {
          output.process(chain);
        }
        long after = threads.getCurrentThreadAllocatedBytes();
        assertEquals(RING, count);
        // The driver is told once an offer, which is the transport's business.
        receiving = Math.min(receiving, (between - before) / RING);
        sending = Math.min(sending, (after - between) / 100);
      }
      assertEquals(0, receiving);
      assertEquals(0, sending);
    }
  }
}
