// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import static io.jkvm.devices.virtio.console.ConsoleFixture.RAM;
import static io.jkvm.devices.virtio.console.ConsoleFixture.inData;
import static io.jkvm.devices.virtio.console.ConsoleFixture.outData;
import static io.jkvm.devices.virtio.console.ConsoleFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.GuestRam;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A console device that is paused, in both directions. */
@Timeout(300)
class ConsolePauseTest {
  private static final int ROUNDS = 300;

  private final ReentrantLock vcpu = new ReentrantLock(true);
  private volatile boolean done;

  @ParameterizedTest
  @EnumSource
  void aPausedDeviceKeepsItsHandsOff(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      guest.hosts[1].room(0);
      guest.addOutput(1, guest.outBuffer(1, random(100, 1)));
      ConsoleFixture.await(() -> guest.hosts[1].calls() > 0, "not asked");
      guest.giveInput(0, inData(0), 100);
      guest.guest.device().pause();
      guest.guest.takeInterrupts();
      GuestRam ram = new GuestRam(guest.memory, RAM);
      ByteBuffer input = ByteBuffer.wrap(random(100, 2));
      assertEquals(0, guest.port(0).offer(input));
      guest.hosts[1].makeRoom(1000);
      guest.port(0).resize(80, 24);
      guest.port(0).close();
      guest.port(1).close();
      guest.port(1).open();
      guest.guest.device().pause();
      ram.assertUnchanged();
      assertEquals(0, guest.guest.takeInterrupts());
      guest.guest.device().resume();
      guest.awaitOutputTaken(1);
      assertEquals(100, guest.port(0).offer(input));
      assertEquals("size 0 80x24", guest.message());
      assertEquals("open 0 0", guest.message());
      assertEquals("open 1 0", guest.message());
      assertEquals("open 1 1", guest.message());
    }
  }

  @ParameterizedTest
  @EnumSource
  void underLoadNothingIsLostAndNothingChanges(Transport transport) throws Exception {
    int total = 1 << 20;
    byte[] input = random(total, 3);
    byte[] output = random(total, 4);
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      RecordingHost host = guest.hosts[0];
      int[] counts = new int[2];
      Thread driver = ConsoleFixture.start(() -> drive(guest, input, output, counts));
      Thread sender =
          ConsoleFixture.start(
              () -> {
                ByteBuffer left = ByteBuffer.wrap(input);
                while (left.hasRemaining() && !done) {
                  guest.port(0).offer(left);
                  if (left.hasRemaining() && !done) {
                    guest.port(0).awaitRoom(100);
                  }
                }
                return null;
              });
      for (int round = 0; round < ROUNDS; round++) {
        vcpu.lock();
        host.makeRoom(round % 3 == 0 ? 50 : 100_000);
        guest.guest.device().pause();
        guest.guest.takeInterrupts();
        GuestRam ram = new GuestRam(guest.memory, RAM);
        int taken = host.takenBytes();
        guest.guest.notifyQueue(1);
        guest.port(0).roomInHost();
        Thread.yield();
        ram.assertUnchanged();
        assertEquals(taken, host.takenBytes());
        assertEquals(0, guest.guest.takeInterrupts());
        guest.guest.device().resume();
        vcpu.unlock();
      }
      host.makeRoom(Long.MAX_VALUE);
      done = true;
      ConsoleFixture.assertEnds(driver);
      ConsoleFixture.assertEnds(sender);
      assertArrayEquals(Arrays.copyOf(output, counts[0]), host.taken());
      assertEquals(true, counts[0] > 0 && counts[1] > 0, "no load");
    }
  }

  /** Sends, receives and compares, as long as there is something, and the lock lets it. */
  private Object drive(ConsoleFixture guest, byte[] input, byte[] output, int[] counts)
      throws Exception {
    Random random = new Random(5);
    int sent = 0;
    int received = 0;
    int used = 0;
    int given = 0;
    while (!done) {
      vcpu.lock();
      try {
        if (guest.out(0).usedIndex() == guest.out(0).availIndex() && sent < output.length) {
          int part = Math.min(output.length - sent, 1 + random.nextInt(4000));
          guest.memory.write(outData(0), output, sent, part);
          guest.addOutput(0, Buffer.out(outData(0), part));
          sent += part;
        }
        while (given - used < 4) {
          guest.giveInput(0, inData(0) + 1000L * (given % 4), 1 + random.nextInt(1000));
          given++;
        }
        while (used != given && guest.in(0).usedIndex() != (used & 0xffff)) {
          int count = guest.in(0).usedLength(used);
          assertArrayEquals(
              Arrays.copyOfRange(input, received, received + count),
              guest.read(inData(0) + 1000L * (used % 4), count));
          received += count;
          used++;
        }
      } finally {
        vcpu.unlock();
      }
    }
    guest.awaitOutputTaken(0);
    counts[0] = sent;
    counts[1] = received;
    return null;
  }
}
