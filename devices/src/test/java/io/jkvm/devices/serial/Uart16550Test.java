// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.jkvm.devices.testing.RecordingIrq;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Registers of the UART; the sections are those of the PC16550D data sheet. */
class Uart16550Test {
  private static final int DATA = 0;
  private static final int IER = 1;
  private static final int FCR = 2;
  private static final int LCR = 3;
  private static final int MCR = 4;
  private static final int LSR = 5;
  private static final int MSR = 6;
  private static final int SCR = 7;
  private static final int RTS = 2;
  private static final int LOOP = 0x10;

  private final RecordingIrq irq = new RecordingIrq();
  private final TestSink sink = new TestSink();
  private final Uart16550 uart = new Uart16550(irq, sink);

  private int in(int port) {
    return (int) uart.read(port, 1);
  }

  private void out(int port, int value) {
    uart.write(port, 1, value);
  }

  @Test
  void masterResetValues_tableIII() {
    assertEquals(0, in(DATA));
    assertEquals(0, in(IER));
    assertEquals(1, in(FCR));
    assertEquals(0, in(LCR));
    assertEquals(0, in(MCR));
    assertEquals(0x60, in(LSR));
    assertEquals(0xb0, in(MSR));
    assertFalse(irq.level());
  }

  @Test
  void registersKeepOnlyTheBitsTheyHave_8() {
    out(IER, 0xff);
    assertEquals(0x0f, in(IER));
    out(MCR, 0xef);
    assertEquals(0x0f, in(MCR));
    out(SCR, 0xa5);
    assertEquals(0xa5, in(SCR));
    out(LCR, 0x7f);
    assertEquals(0x7f, in(LCR));
    out(LSR, 0x1f);
    assertEquals(0x60, in(LSR));
    out(MSR, 0x0f);
    assertEquals(0xb0, in(MSR));
  }

  @Test
  void divisorLatchHidesDataAndInterruptEnable_8_1() {
    out(IER, 5);
    out(LCR, 0x83);
    out(DATA, 0x34);
    out(IER, 0x12);
    assertEquals(0x34, in(DATA));
    assertEquals(0x12, in(IER));
    out(LCR, 0x03);
    assertEquals(5, in(IER));
    assertEquals(0, in(DATA));
    assertEquals("", sink.text());
  }

  @Test
  void transmitsAndIsEmptyAtOnce_8_4() {
    out(DATA, 'o');
    assertEquals(0x60, in(LSR));
    out(DATA, 'k');
    assertEquals("ok", sink.text());
  }

  @Test
  void fullSinkClearsThreAndTemt_8_4() {
    sink.setRoom(false);
    assertEquals(0, in(LSR));
    sink.setRoom(true);
    assertEquals(0x60, in(LSR));
  }

  @Test
  void breakHoldsTheLine_8_3() {
    out(LCR, 0x43);
    out(DATA, 'x');
    assertEquals(0x60, in(LSR));
    out(LCR, 0x03);
    out(DATA, 'y');
    assertEquals("y", sink.text());
  }

  @Test
  void wideAccessIsSplitIntoPorts() {
    uart.write(LCR, 2, 0x0b_03);
    assertEquals(0x03, in(LCR));
    assertEquals(0x0b, in(MCR));
    uart.write(SCR, 1, 0x77);
    assertEquals(0x77_b0_60_0bL, uart.read(MCR, 4));
  }

  @Test
  void receivesOneCharacterWithoutFifo_8_4() {
    out(MCR, RTS);
    byte[] typed = {'a', 'b', 'c'};
    assertEquals(1, uart.receive(typed, 0, 3));
    assertEquals(0x61, in(LSR));
    assertFalse(uart.receive((byte) 'b'));
    assertEquals('a', in(DATA));
    assertEquals(0x60, in(LSR));
  }

  @Test
  void receivesSixteenCharactersWithFifo_8_5() {
    out(MCR, RTS);
    out(FCR, 1);
    byte[] typed = "0123456789abcdefXYZ".getBytes();
    assertEquals(16, uart.receive(typed, 0, typed.length));
    StringBuilder read = new StringBuilder();
    while ((in(LSR) & 1) != 0) {
      read.append((char) in(DATA));
    }
    assertEquals("0123456789abcdef", read.toString());
    assertEquals(3, uart.receive(typed, 16, 3));
    assertEquals('X', in(DATA));
  }

  @Test
  void switchingOrResettingTheFifoEmptiesIt_8_5() {
    out(MCR, RTS);
    out(FCR, 1);
    uart.receive(new byte[4], 0, 4);
    out(FCR, 0x81);
    assertEquals(0x61, in(LSR));
    out(FCR, 0x04 | 1);
    assertEquals(0x61, in(LSR), "transmitter reset leaves the receiver alone");
    out(FCR, 0x03);
    assertEquals(0x60, in(LSR));
    uart.receive(new byte[4], 0, 4);
    out(FCR, 0);
    assertEquals(0x60, in(LSR));
    out(FCR, 0x02);
    assertEquals(1, in(FCR), "without bit 0 nothing is programmed");
  }

  @Test
  void peerWaitsForRequestToSend() {
    AtomicInteger wakeUps = new AtomicInteger();
    uart.onReceiveRoom(wakeUps::incrementAndGet);
    assertEquals(0, uart.receive(new byte[1], 0, 1));
    out(MCR, RTS | LOOP);
    assertEquals(0, uart.receive(new byte[1], 0, 1));
    assertEquals(0, wakeUps.get());
    out(MCR, RTS);
    assertEquals(1, wakeUps.get());
    assertEquals(1, uart.receive(new byte[1], 0, 1));
  }

  @Test
  void listenerHearsOnceWhenTheGuestHasEmptiedTheFifo() {
    AtomicInteger wakeUps = new AtomicInteger();
    uart.onReceiveRoom(wakeUps::incrementAndGet);
    out(MCR, RTS);
    out(FCR, 1);
    assertEquals(16, uart.receive(new byte[20], 0, 20));
    for (int i = 0; i < 15; i++) {
      in(DATA);
    }
    assertEquals(0, wakeUps.get());
    in(DATA);
    assertEquals(1, wakeUps.get());
    in(DATA);
    assertEquals(1, wakeUps.get());
    uart.receive(new byte[4], 0, 4);
    out(FCR, 3);
    assertEquals(1, wakeUps.get(), "nobody waits");
  }

  @Test
  void breakIsReportedWithItsCharacter_8_4() {
    out(MCR, RTS);
    out(FCR, 1);
    uart.receive((byte) 'a');
    assertTrue(uart.receiveBreak());
    assertEquals(0xe1, in(LSR), "an error somewhere in the FIFO");
    assertEquals('a', in(DATA));
    assertEquals(0xf1, in(LSR), "break at the top");
    assertEquals(0x61, in(LSR), "reading clears it");
    assertEquals(0, in(DATA));
    assertEquals(0x60, in(LSR));
  }

  @Test
  void breakWithoutFifoHasNoFifoErrorBit_8_4() {
    out(MCR, RTS);
    uart.receiveBreak();
    assertEquals(0x71, in(LSR));
  }

  @Test
  void loopbackReturnsDataAndNothingReachesTheHost_8_7() {
    out(MCR, LOOP);
    out(FCR, 1);
    sink.setRoom(false);
    out(DATA, 0x5a);
    assertEquals(0x61, in(LSR));
    assertEquals(0x5a, in(DATA));
    assertEquals("", sink.text());
  }

  @Test
  void overrunKeepsTheFifo_8_4() {
    out(MCR, LOOP);
    out(FCR, 1);
    for (int i = 0; i < 18; i++) {
      out(DATA, i);
    }
    assertEquals(0x63, in(LSR));
    assertEquals(0x61, in(LSR));
    for (int i = 0; i < 16; i++) {
      assertEquals(i, in(DATA));
    }
    assertEquals(0x60, in(LSR));
  }

  @Test
  void overrunReplacesTheBufferWithoutFifo_8_4() {
    out(MCR, LOOP);
    out(DATA, 1);
    out(DATA, 2);
    assertEquals(0x63, in(LSR));
    assertEquals(2, in(DATA));
  }

  @Test
  void loopbackWiresOutputsToInputs_8_7() {
    out(MCR, LOOP | 0x0a);
    assertEquals(0x90, in(MSR) & 0xf0, "RTS to CTS, OUT2 to DCD: the test of Linux's autoconfig");
    out(MCR, LOOP | 0x05);
    assertEquals(0x60, in(MSR) & 0xf0, "DTR to DSR, OUT1 to RI");
    out(MCR, 0);
    assertEquals(0xb0, in(MSR) & 0xf0);
  }

  @Test
  void deltasFollowChangesUntilRead_8_8() {
    out(MCR, LOOP);
    assertEquals(0x0b, in(MSR), "CTS, DSR and DCD went away");
    assertEquals(0x00, in(MSR));
    out(MCR, LOOP | 4);
    assertEquals(0x40, in(MSR), "no delta for the leading edge of RI");
    out(MCR, LOOP);
    assertEquals(0x04, in(MSR), "trailing edge of RI");
    out(MCR, LOOP | 2);
    out(MCR, LOOP);
    assertEquals(0x01, in(MSR), "a pulse is a change");
  }

  @Test
  void readingStatusAllocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long id = Thread.currentThread().getId();
    int sum = 0;
    for (int i = 0; i < 20_000; i++) {
      sum += in(LSR) + in(FCR) + in(MSR);
    }
    long before = threads.getThreadAllocatedBytes(id);
    for (int i = 0; i < 100_000; i++) {
      sum += in(LSR) + in(FCR) + in(MSR);
    }
    long allocated = threads.getThreadAllocatedBytes(id) - before;
    assertTrue(allocated < 10_000, sum + ": " + allocated + " bytes");
  }
}
