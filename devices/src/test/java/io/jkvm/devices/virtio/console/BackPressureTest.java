// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import static io.jkvm.devices.virtio.console.ConsoleFixture.PORT_OPEN;
import static io.jkvm.devices.virtio.console.ConsoleFixture.assertEnds;
import static io.jkvm.devices.virtio.console.ConsoleFixture.inData;
import static io.jkvm.devices.virtio.console.ConsoleFixture.outData;
import static io.jkvm.devices.virtio.console.ConsoleFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whoever is faster is held back, and nobody else. */
@Timeout(300)
class BackPressureTest {
  @ParameterizedTest
  @EnumSource
  void outputWaitsForRoomInTheHost(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      RecordingHost slow = guest.hosts[0];
      slow.room(10);
      guest.addOutput(0, guest.outBuffer(0, random(10_000, 1)));
      guest.addOutput(0, Buffer.out(outData(0), 1));
      ConsoleFixture.await(() -> slow.takenBytes() == 10, "nothing taken");
      guest.send(1, guest.outBuffer(1, random(5000, 2)));
      assertEquals(5000, guest.hosts[1].takenBytes(), "another port waits too");
      assertEquals(0, guest.out(0).usedIndex());
      slow.makeRoom(5000);
      ConsoleFixture.await(() -> slow.takenBytes() == 5010, "does not go on");
      slow.makeRoom(1);
      ConsoleFixture.await(() -> slow.takenBytes() == 5011, "does not go on");
      slow.makeRoom(Long.MAX_VALUE);
      guest.awaitOutputTaken(0);
      assertArrayEquals(random(10_000, 1), Arrays.copyOf(slow.taken(), 10_000));
      assertEquals(10_001, slow.takenBytes());
    }
  }

  /** It does not ask by itself: what waits is a thread in a system call. */
  @ParameterizedTest
  @EnumSource
  void whoWaitsForRoomIsAskedOnlyWhenToldOfIt(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      RecordingHost full = guest.hosts[0];
      full.room(0);
      guest.addOutput(0, guest.outBuffer(0, random(100, 1)));
      ConsoleFixture.await(() -> full.calls() > 0, "not asked");
      // The doorbell may have rung once more before the thread waited.
      int asked = full.calls();
      for (int i = 0; i < 200; i++) {
        guest.send(1, guest.outBuffer(1, random(10, i)));
      }
      assertTrue(full.calls() <= asked + 1, "asked " + full.calls() + " times");
      full.makeRoom(100);
      guest.awaitOutputTaken(0);
    }
  }

  @ParameterizedTest
  @EnumSource
  void inputWaitsForTheGuestsBuffers(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      guest.giveInput(1, inData(1), 30);
      Thread sender = ConsoleFixture.offerAll(guest.port(1), random(100, 1));
      ConsoleFixture.await(() -> ConsoleFixture.waits(sender), "does not wait");
      assertEquals(1, guest.in(1).usedIndex());
      guest.giveInput(1, inData(1) + 30, 70);
      assertEnds(sender);
      assertArrayEquals(random(100, 1), guest.read(inData(1), 100));
    }
  }

  @ParameterizedTest
  @EnumSource
  void inputWaitsUntilTheGuestOpensItsEnd(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      for (int i = 0; i < 20; i++) {
        guest.control(1, PORT_OPEN, 0);
        guest.giveInput(1, inData(1), 10);
        guest.giveInput(1, inData(1) + 10, 10);
        assertEquals(0, guest.port(1).offer(ByteBuffer.wrap(random(20, i))));
        Thread sender = ConsoleFixture.offerAll(guest.port(1), random(20, i));
        ConsoleFixture.await(() -> ConsoleFixture.waits(sender), "does not wait");
        assertEquals(2 * i, guest.in(1).usedIndex());
        guest.control(1, PORT_OPEN, 1);
        assertEnds(sender);
        assertArrayEquals(random(20, i), guest.read(inData(1), 20));
      }
    }
  }

  /** A kernel that writes its messages to a console must not hang for want of a reader. */
  @ParameterizedTest
  @EnumSource
  void whatComesWhileTheHostsEndIsClosedIsDropped(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      RecordingHost host = guest.hosts[0];
      host.room(10);
      guest.addOutput(0, guest.outBuffer(0, random(100, 1)));
      ConsoleFixture.await(() -> host.takenBytes() == 10, "nothing taken");
      guest.port(0).close();
      guest.awaitOutputTaken(0);
      host.room(Long.MAX_VALUE);
      guest.send(0, guest.outBuffer(0, random(100, 2)));
      assertEquals(10, host.takenBytes());
      guest.port(0).open();
      guest.send(0, guest.outBuffer(0, random(100, 3)));
      assertEquals(110, host.takenBytes());
    }
  }

  /** Both directions at once, with every kind of hiccup: no byte and no wake-up is lost. */
  @ParameterizedTest
  @EnumSource
  void slowReadersOnBothSidesLoseNothing(Transport transport) throws Exception {
    int total = 300_000;
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2).startAndOpen()) {
      RecordingHost host = guest.hosts[1];
      byte[] output = random(total, 1);
      byte[] input = random(total, 2);
      host.room(0);
      Thread reader =
          ConsoleFixture.start(
              () -> {
                Random random = new Random(3);
                for (int left = total; left > 0; ) {
                  int room = Math.min(left, random.nextInt(700));
                  int target = total - left + room;
                  host.makeRoom(room);
                  left -= room;
                  ConsoleFixture.await(() -> host.takenBytes() == target, "output stopped");
                }
                return null;
              });
      Thread sender = ConsoleFixture.offerAll(guest.port(1), input);
      Random random = new Random(4);
      int sent = 0;
      int received = 0;
      for (int i = 0; sent < total || received < total; i++) {
        int index = i;
        if (sent < total) {
          int part = Math.min(total - sent, 1 + random.nextInt(3000));
          guest.memory.write(outData(1), output, sent, part);
          guest.addOutput(1, Buffer.out(outData(1), part));
          sent += part;
        }
        if (received < total) {
          int used = guest.in(1).usedIndex();
          guest.giveInput(1, inData(1), 1 + random.nextInt(3000));
          ConsoleFixture.await(() -> guest.in(1).usedIndex() != used, "input stopped");
          int count = guest.in(1).usedLength(used);
          assertArrayEquals(
              Arrays.copyOfRange(input, received, received + count),
              guest.read(inData(1), count),
              "at " + index);
          received += count;
        }
        guest.awaitOutputTaken(1);
      }
      assertEnds(reader);
      assertEnds(sender);
      assertArrayEquals(output, host.taken());
    }
  }
}
