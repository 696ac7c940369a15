// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.serial.Uart16550;
import io.jkvm.devices.testing.RecordingIrq;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A console's readers, some of which the port waits for. */
@Timeout(300)
class HubReaderTest {
  private static final int DATA = 0;
  private static final int IER = 1;
  private static final int IIR = 2;
  private static final int MCR = 4;
  private static final int LSR = 5;
  private static final int THRE = 0x20;
  private static final int MINUTES = 300_000;

  private final ConsoleHub hub = new ConsoleHub();

  private void print(int from, int count) {
    for (int i = from; i < from + count; i++) {
      assertTrue(hub.accept((byte) (i * 13)));
    }
  }

  private static byte[] printed(int from, int count) {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = (byte) ((from + i) * 13);
    }
    return bytes;
  }

  @Test
  void aPositionMovesOnlyByWhatIsTaken() throws Exception {
    HubReader reader = HubReader.of(hub);
    print(0, 10);
    assertArrayEquals(printed(0, 10), reader.peek());
    reader.skip(4);
    assertArrayEquals(printed(4, 6), reader.peek());
    reader.awaitBeyond(5, Long.MAX_VALUE); // there is a sixth
    reader.skip(6);
    assertEquals(0, reader.peek().length);
    assertEquals(0, reader.missed());
  }

  @Test
  void oneThatIsTooSlowMissesAndHoldsNobody() {
    HubReader reader = HubReader.of(hub);
    int more = 1000;
    print(0, ConsoleHub.HISTORY_BYTES + more);
    assertTrue(hub.hasRoom());
    assertArrayEquals(printed(more, ConsoleHub.HISTORY_BYTES), reader.peek());
    assertEquals(more, reader.missed());
    reader.close(); // which is no matter
    assertEquals(ConsoleHub.HISTORY_BYTES, reader.peek().length);
  }

  @Test
  void oneThatHoldsMakesThePortWaitAndTellsOfRoom() {
    Semaphore room = new Semaphore(0);
    hub.addRoomListener(room::release);
    HubReader reader = HubReader.holding(hub);
    print(0, HubReader.BEHIND_BYTES - 16);
    assertTrue(hub.hasRoom());
    print(HubReader.BEHIND_BYTES - 16, 1);
    assertFalse(hub.hasRoom());
    assertEquals(0, room.availablePermits());
    reader.skip(1);
    assertEquals(1, room.availablePermits());
    assertTrue(hub.hasRoom());
    reader.skip(1);
    assertEquals(1, room.availablePermits(), "nobody has asked again");
  }

  @Test
  void aPortThatFailsDoesNotFailWhoReads() {
    Semaphore room = new Semaphore(0);
    hub.addRoomListener(
        () -> {
          throw new IllegalStateException("its machine is gone");
        });
    hub.addRoomListener(room::release);
    HubReader reader = HubReader.holding(hub);
    print(0, HubReader.BEHIND_BYTES);
    assertFalse(hub.hasRoom());
    reader.skip(HubReader.BEHIND_BYTES);
    assertEquals(1, room.availablePermits());
  }

  /** Linux waits 10 ms for each byte, then it prints all the same. */
  @Test
  void aDriverThatLosesItsPatienceHasTheOtherHalf() {
    HubReader reader = HubReader.holding(hub);
    print(0, ConsoleHub.HISTORY_BYTES);
    assertFalse(hub.hasRoom());
    assertArrayEquals(printed(0, ConsoleHub.HISTORY_BYTES), reader.peek());
    assertEquals(0, reader.missed());
    print(0, 5);
    reader.peek();
    assertEquals(5, reader.missed(), "who does not wait at all can't be held");
  }

  @Test
  void oneThatIsClosedHoldsNobodyAnyMore() {
    Semaphore room = new Semaphore(0);
    hub.addRoomListener(room::release);
    HubReader reader = HubReader.holding(hub);
    print(0, HubReader.BEHIND_BYTES);
    assertFalse(hub.hasRoom());
    reader.close();
    assertEquals(1, room.availablePermits());
    assertTrue(hub.hasRoom());
    assertArrayEquals(printed(0, HubReader.BEHIND_BYTES), reader.peek());
  }

  @Test
  void theSlowestOfSeveralIsWaitedFor() {
    HubReader slow = HubReader.holding(hub);
    HubReader slower = HubReader.holding(hub);
    print(0, HubReader.BEHIND_BYTES);
    assertFalse(hub.hasRoom());
    slow.skip(HubReader.BEHIND_BYTES);
    assertFalse(hub.hasRoom());
    slower.skip(16);
    assertTrue(hub.hasRoom());
  }

  @Test
  void aMachineThatIsClosedGivesNone() {
    HubReader before = HubReader.holding(hub);
    print(0, HubReader.BEHIND_BYTES);
    hub.close();
    assertTrue(hub.hasRoom(), "nobody is held at the end");
    assertEquals(HubReader.BEHIND_BYTES, before.peek().length);
    before.close();
    assertThrows(IllegalStateException.class, () -> HubReader.holding(hub));
  }

  /**
   * A guest that prints by interrupts, much more than is kept. No interrupt of its port is lost.
   */
  @Test
  void nothingIsMissedOfAGuestThatObeysItsPort() throws Exception {
    int all = 8 * ConsoleHub.HISTORY_BYTES;
    RecordingIrq irq = new RecordingIrq();
    Uart16550 uart = new Uart16550(irq, hub);
    HubReader reader = HubReader.holding(hub);
    boolean[] whole = new boolean[1];
    Thread guest = new Thread(() -> whole[0] = printByInterrupt(uart, irq, all));
    guest.start();
    int read = 0;
    while (read < all) {
      reader.awaitBeyond(0, Long.MAX_VALUE);
      byte[] bytes = reader.peek();
      assertArrayEquals(printed(read, bytes.length), bytes);
      read += bytes.length;
      reader.skip(bytes.length);
    }
    guest.join();
    assertTrue(whole[0]);
    assertEquals(0, reader.missed());
    uart.close();
  }

  private static boolean printByInterrupt(Uart16550 uart, RecordingIrq irq, int count) {
    uart.write(MCR, 1, 0x0b);
    uart.write(IER, 1, 2);
    int sent = 0;
    try {
      while (sent < count && irq.awaitLevel(true, MINUTES)) {
        uart.read(IIR, 1);
        while (sent < count && (uart.read(LSR, 1) & THRE) != 0) {
          uart.write(DATA, 1, sent++ * 13);
        }
      }
    } catch (InterruptedException e) {
      return false;
    }
    return sent == count;
  }
}
