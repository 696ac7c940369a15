// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import static io.jkvm.devices.virtio.console.ConsoleFixture.DEVICE_READY;
import static io.jkvm.devices.virtio.console.ConsoleFixture.PORT_OPEN;
import static io.jkvm.devices.virtio.console.ConsoleFixture.PORT_READY;
import static io.jkvm.devices.virtio.console.ConsoleFixture.RAM;
import static io.jkvm.devices.virtio.console.ConsoleFixture.data;
import static io.jkvm.devices.virtio.console.ConsoleFixture.inData;
import static io.jkvm.devices.virtio.console.ConsoleFixture.outData;
import static io.jkvm.devices.virtio.console.ConsoleFixture.random;
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
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A driver that keeps no rule. */
@Timeout(300)
class HostileConsoleTest {
  private static void assertWorks(ConsoleFixture guest) throws Exception {
    int before = guest.hosts[0].takenBytes();
    guest.send(0, guest.outBuffer(0, random(100, 1)));
    assertFalse(guest.needsReset());
    assertEquals(before + 100, guest.hosts[0].takenBytes());
  }

  @ParameterizedTest
  @EnumSource
  void whatIsNoControlMessageNeedsAReset(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2)) {
      Buffer[][] wrong = {
        {Buffer.out(data(3), 7)},
        {Buffer.out(data(3), 1)},
        {Buffer.in(data(3), 8)},
        {Buffer.out(data(3), 8), Buffer.in(data(3), 8)},
        {Buffer.out(data(3), 0)},
      };
      for (Buffer[] buffers : wrong) {
        guest.startAndOpen();
        guest.controlRaw(buffers);
        guest.awaitNeedsReset();
      }
      guest.startAndOpen();
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aControlBufferOfAWrongFormNeedsAReset(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2)) {
      Buffer[][] wrong = {
        {Buffer.out(data(2), 100)},
        {Buffer.out(data(2), 100), Buffer.in(data(2), 100)},
        {Buffer.in(data(2), 7)},
      };
      for (Buffer[] buffers : wrong) {
        guest.startWithout(0);
        guest.rings[2].add(buffers);
        guest.guest.notifyQueue(2);
        guest.control(0, DEVICE_READY, 1);
        guest.awaitNeedsReset();
      }
      guest.startWithout(0);
      guest.giveControlBuffers(2);
      guest.control(0, DEVICE_READY, 1);
      assertEquals("add 0", guest.message());
      // Enough for an event, not for the name.
      for (int i = 0; i < 20; i++) {
        guest.rings[2].add(Buffer.in(data(2), 8));
      }
      guest.guest.notifyQueue(2);
      assertEquals("add 1", guest.message());
      guest.control(1, PORT_READY, 1);
      // Into the last of the large buffers. Not before it is there is the next one asked for: a
      // driver that asks twice before it gets an answer gets one.
      assertEquals("name 1 stream1", guest.message());
      guest.control(1, PORT_READY, 1);
      guest.awaitNeedsReset();
      guest.startAndOpen();
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void messagesWithoutSenseAreIgnored(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      Random random = new Random(5);
      for (int event = 0; event < 300; event++) {
        for (int id : new int[] {2, 1000, Integer.MIN_VALUE, -1}) {
          if (event != DEVICE_READY) {
            guest.control(id, event, random.nextInt());
          }
        }
        if (event != DEVICE_READY && event != PORT_READY && event != PORT_OPEN) {
          guest.control(event % 2, event * 211, random.nextInt());
        }
      }
      byte[] message = random(1 << 18, 6);
      Arrays.fill(message, 0, 8, (byte) -1);
      guest.memory.write(data(3), message, 0, message.length);
      guest.controlRaw(Buffer.out(data(3), message.length));
      assertFalse(guest.hasMessage());
      assertEquals(List.of(true), guest.hosts[0].ends);
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void floodsCostNoMemory(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startWithout(0)) {
      guest.port(0).open();
      for (int i = 0; i < 10_000; i++) {
        guest.control(0, DEVICE_READY, 1);
        guest.control(i % 2, PORT_READY, 1);
        guest.control(i % 2, PORT_OPEN, i / 2 % 2);
      }
      guest.giveControlBuffers(ConsoleFixture.CONTROL_RING);
      assertEquals("add 0", guest.message());
      assertEquals("add 1", guest.message());
      assertEquals("name 1 stream1", guest.message());
      guest.control(0, PORT_READY, 1);
      assertEquals("console 0 1", guest.message());
      assertEquals("open 0 1", guest.message());
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void buffersOfTheWrongDirectionNeedAReset(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 1)) {
      guest.startAndOpen();
      guest.send(0, Buffer.in(outData(0), 10));
      guest.awaitNeedsReset();
      guest.startAndOpen();
      guest.send(0, Buffer.out(outData(0), 10), Buffer.in(outData(0), 10));
      guest.awaitNeedsReset();
      guest.startAndOpen();
      guest.in(0).add(Buffer.out(inData(0), 10));
      ByteBuffer bytes = ByteBuffer.wrap(random(10, 1));
      assertEquals(0, guest.port(0).offer(bytes));
      guest.awaitNeedsReset();
      assertEquals(0, guest.port(0).offer(bytes));
      assertEquals(0, bytes.position());
      guest.startAndOpen();
      guest.in(0).add(Buffer.in(RAM - 5, 10)); // beyond the end of RAM
      assertEquals(0, guest.port(0).offer(bytes));
      guest.awaitNeedsReset();
      guest.startAndOpen();
      assertWorks(guest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aQueueThatWasNotNegotiatedIsNotServed(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2)) {
      for (int queue = 2; queue < 6; queue++) {
        SplitRingDriver ring = new SplitRingDriver(guest.memory, 16, 0x30000);
        guest.guest.negotiateWithout(VirtioConsole.F_MULTIPORT);
        guest.guest.setUpQueue(queue, ring);
        guest.guest.driverOk();
        ring.add(Buffer.out(data(queue), 8));
        guest.guest.notifyQueue(queue);
        guest.awaitNeedsReset();
        assertEquals(0, ring.usedIndex());
      }
      guest.startAndOpen();
      assertWorks(guest);
    }
  }

  /** 16 MiB in one request: a pause does not wait for all of it, a reset does not either. */
  @ParameterizedTest
  @EnumSource
  void aHugeRequestHoldsNobodyUp(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 1).startAndOpen()) {
      Buffer[] huge = new Buffer[16];
      Arrays.fill(huge, Buffer.out(1 << 20, 1 << 20));
      RecordingHost host = guest.hosts[0];
      for (int round = 0; round < 2; round++) {
        int before = host.takenBytes();
        CountDownLatch gate = new CountDownLatch(1);
        host.takeEntered();
        host.gate(gate);
        guest.out(0).addIndirect(0x20000, huge);
        guest.guest.notifyQueue(1);
        ConsoleFixture.await(host::takeEntered, "nothing taken");
        Thread pauser =
            ConsoleFixture.start(
                () -> {
                  guest.guest.device().pause();
                  return null;
                });
        ConsoleFixture.await(() -> isIn(pauser, "awaitPaused"), "does not pause");
        gate.countDown();
        ConsoleFixture.assertEnds(pauser);
        int taken = host.takenBytes() - before;
        assertTrue(taken > 0 && taken <= 64 << 10, taken + " bytes until the pause");
        guest.guest.device().resume();
        if (round == 0) {
          guest.awaitOutputTaken(0);
          assertEquals(before + (16 << 20), host.takenBytes());
        }
      }
      guest.startAndOpen();
      assertWorks(guest);
    }
  }

  private static boolean isIn(Thread thread, String method) {
    return Arrays.stream(thread.getStackTrace())
        .anyMatch(frame -> frame.getMethodName().equals(method));
  }

  @ParameterizedTest
  @EnumSource
  void aHostThatFailsLosesBytesAndNothingElse(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 1).startAndOpen()) {
      guest.hosts[0].fail(new IllegalStateException("a bug of the host's"));
      guest.send(0, guest.outBuffer(0, random(10_000, 1)));
      guest.control(0, PORT_OPEN, 0);
      guest.control(0, PORT_OPEN, 1);
      assertFalse(guest.needsReset());
      assertEquals(0, guest.hosts[0].takenBytes());
      guest.hosts[0].fail(null);
      assertWorks(guest);
      assertEquals(List.of(true, false, true), guest.hosts[0].ends);
    }
  }

  /** Resets with requests that wait, threads that offer, and buffers that are held. */
  @ParameterizedTest
  @EnumSource
  void resetsInTheMiddle(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2)) {
      for (int i = 0; i < 40; i++) {
        for (RecordingHost host : guest.hosts) {
          host.room(100);
        }
        guest.startAndOpen();
        Thread sender = ConsoleFixture.offerAll(guest.port(1), random(500, i));
        for (int j = 0; j < 5; j++) {
          guest.addOutput(j % 2, Buffer.out(outData(j % 2), 1000));
          guest.giveInput(1, inData(1), 60);
        }
        guest.control(0, DEVICE_READY, 1);
        guest.guest.status(0);
        ConsoleFixture.await(() -> guest.guest.status() == 0, "no reset");
        assertEquals(0, ConsoleFixture.queueThreads());
        guest.hosts[0].makeRoom(1000); // too late
        guest.startAndOpen();
        guest.giveInput(1, inData(1), 1000);
        ConsoleFixture.assertEnds(sender);
      }
      assertFalse(guest.needsReset());
    }
  }

  /**
   * Anything in any queue is served, put off, or a fault of the guest's, and no mistake of ours.
   */
  @Test
  void requestsOfAnyForm() throws Exception {
    RecordingHost host = new RecordingHost();
    VirtioConsole device =
        new VirtioConsole("x", List.of(PortSpec.console(host), PortSpec.stream("stream", host)));
    Random random = new Random(7);
    try (GuestMemory memory = GuestMemory.allocate(RAM)) {
      device.ports().forEach(ConsolePort::open);
      device.activate(device.features());
      RequestHandler[] handlers = new RequestHandler[6];
      for (int round = 0; round < 100_000; round++) {
        int queue = new int[] {1, 2, 3, 5}[random.nextInt(4)];
        SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
        Virtqueue rings = ring.device();
        if (handlers[queue] == null || random.nextInt(50) == 0) {
          handlers[queue] = HandlerAccess.of(device, queue, rings, device.features());
        }
        host.room(random.nextInt(3) == 0 ? 10 : Long.MAX_VALUE);
        memory.writeU64(0x8000, random.nextLong() & 0x7_0007_0000_0003L);
        Buffer[] buffers = new Buffer[1 + random.nextInt(3)];
        for (int i = 0; i < buffers.length; i++) {
          long at = random.nextInt(20) == 0 ? random.nextLong() : 0x8000;
          int length = random.nextInt(20) == 0 ? random.nextInt() : random.nextInt(200);
          boolean writable = queue == 2 ^ random.nextInt(20) == 0;
          buffers[i] = new Buffer(at, length, writable);
        }
        if (random.nextBoolean()) {
          ring.addIndirect(0x4000, buffers);
        } else {
          ring.add(buffers);
        }
        DescriptorChain chain = rings.newChain();
        try {
          rings.poll(chain);
          // One that is put off is asked about with the same request, until it is served.
          for (long written = RequestHandler.PUT_OFF; written == RequestHandler.PUT_OFF; ) {
            written = handlers[queue].process(chain);
            host.room(Long.MAX_VALUE);
            if (written == RequestHandler.PUT_OFF && queue == 2) {
              break;
            }
          }
        } catch (GuestFault e) {
          handlers[queue] = null;
        }
        if (random.nextInt(1000) == 0) {
          device.reset();
          device.activate(device.features());
          Arrays.fill(handlers, null);
        }
      }
    }
  }
}
