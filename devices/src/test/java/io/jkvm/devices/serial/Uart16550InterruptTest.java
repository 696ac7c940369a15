// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.testing.RecordingIrq;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Interrupts of the UART; the sections are those of the PC16550D data sheet. */
class Uart16550InterruptTest {
  private static final int DATA = 0;
  private static final int IER = 1;
  private static final int IIR = 2;
  private static final int MCR = 4;
  private static final int LSR = 5;
  private static final int MSR = 6;
  private static final int NONE = 0xc1;
  private static final int RTS_OUT2 = 0x0a;
  private static final int LOOP = 0x10;

  private final RecordingIrq irq = new RecordingIrq();
  private final TestSink sink = new TestSink();
  private final Uart16550 uart = new Uart16550(irq, sink);

  @BeforeEach
  void enableFifosAndGate() {
    out(IIR, 0xc1);
    out(MCR, RTS_OUT2);
  }

  private int in(int port) {
    return (int) uart.read(port, 1);
  }

  private void out(int port, int value) {
    uart.write(port, 1, value);
  }

  @Test
  void out2GatesTheInterrupt() {
    out(MCR, 2);
    uart.receive((byte) 'a');
    out(IER, 1);
    assertFalse(irq.level());
    assertEquals(0xcc, in(IIR));
    out(MCR, RTS_OUT2);
    assertTrue(irq.level());
    out(MCR, RTS_OUT2 | LOOP);
    assertFalse(irq.level(), "loopback forces OUT2 inactive (8.7)");
    assertEquals(0xcc, in(IIR), "the source goes on");
    out(MCR, 2);
    assertFalse(irq.level());
  }

  @ParameterizedTest
  @CsvSource({"0x01,1", "0x41,4", "0x81,8", "0xc1,14"})
  void triggerLevels_8_5(String control, int level) {
    out(IIR, Integer.decode(control));
    out(IER, 1);
    for (int i = 1; i <= 16; i++) {
      uart.receive((byte) i);
      assertEquals(i < level ? 0xcc : 0xc4, in(IIR), "with " + i + " characters");
      assertTrue(irq.level());
    }
  }

  @Test
  void receiverInterruptEndsWhenTheFifoIsEmpty_8_6() {
    out(IER, 1);
    uart.receive(new byte[2], 0, 2);
    assertEquals(0xcc, in(IIR));
    in(DATA);
    assertTrue(irq.level());
    in(DATA);
    assertFalse(irq.level());
    assertEquals(NONE, in(IIR));
    assertEquals(1, irq.rises());
  }

  @Test
  void receiverInterruptWithoutFifo_8_6() {
    out(IIR, 0);
    out(IER, 1);
    uart.receive((byte) 'a');
    assertEquals(0x04, in(IIR));
    in(DATA);
    assertEquals(0x01, in(IIR));
  }

  @Test
  void transmitterInterruptIsClearedByReadingIir_8_6() {
    out(IER, 2);
    assertTrue(irq.level());
    assertEquals(0xc2, in(IIR));
    assertFalse(irq.level());
    assertEquals(NONE, in(IIR));
    out(DATA, 'x');
    assertTrue(irq.level());
    out(IER, 0);
    assertFalse(irq.level());
  }

  @Test
  void transmitterInterruptComesBackWhenEnabledAgain() {
    // The test in Linux's startup that would otherwise arm a polling timer.
    for (int i = 0; i < 3; i++) {
      out(IER, 2);
      assertEquals(0xc2, in(IIR));
      out(IER, 0);
      assertEquals(NONE, in(IIR));
    }
    out(IER, 2);
    in(IIR);
    out(IER, 2);
    assertFalse(irq.level(), "enabling what is enabled is no event");
  }

  @Test
  void fullSinkDelaysTheTransmitterInterrupt() {
    sink.setRoom(false);
    out(IER, 2);
    out(DATA, 'x');
    assertEquals(NONE, in(IIR));
    assertFalse(irq.level());
    sink.setRoom(true);
    assertTrue(irq.level());
    assertEquals(0xc2, in(IIR));
    sink.setRoom(true);
    assertFalse(irq.level(), "once");
  }

  @Test
  void sinksRoomAloneIsNoEvent() {
    out(IER, 2);
    in(IIR);
    sink.setRoom(false);
    in(LSR);
    sink.setRoom(true);
    assertFalse(irq.level());
  }

  @Test
  void modemStatusInterrupt_8_8() {
    out(IER, 8);
    out(MCR, LOOP);
    assertEquals(0xc0, in(IIR));
    in(MSR);
    assertEquals(NONE, in(IIR));
    out(MCR, RTS_OUT2);
    assertTrue(irq.level());
    in(MSR);
    assertFalse(irq.level());
  }

  @Test
  void lineStatusInterruptIsClearedByReadingLsr_8_6() {
    out(IER, 4);
    uart.receiveBreak();
    assertTrue(irq.level());
    assertEquals(0xc6, in(IIR));
    in(LSR);
    assertFalse(irq.level());
  }

  @Test
  void priorities_tableIV() {
    out(MCR, LOOP);
    for (int i = 0; i < 17; i++) {
      out(DATA, i);
    }
    out(IER, 0xf);
    assertEquals(0xc6, in(IIR), "overrun: line status first");
    in(LSR);
    assertEquals(0xc4, in(IIR), "data at the trigger level");
    for (int i = 0; i < 3; i++) {
      in(DATA);
    }
    assertEquals(0xcc, in(IIR), "data below the trigger level");
    for (int i = 0; i < 13; i++) {
      in(DATA);
    }
    assertEquals(0xc2, in(IIR), "transmitter empty");
    assertEquals(0xc0, in(IIR), "modem status last");
    in(MSR);
    assertEquals(NONE, in(IIR));
  }

  @Test
  void linuxAutoconfigFindsA16550A() {
    out(IER, 0);
    assertEquals(0, in(IER));
    out(IER, 0x0f);
    assertEquals(0x0f, in(IER));
    out(IER, 0);
    out(MCR, LOOP | 0x0a);
    assertEquals(0x90, in(MSR) & 0xf0);
    out(MCR, 0);
    out(3, 0xbf);
    out(IIR, 0);
    out(3, 0);
    out(IIR, 1);
    assertEquals(3, in(IIR) >> 6);
    out(7, 0xa5);
    assertEquals(0xa5, in(7));
    assertEquals("", sink.text());
  }

  /** Its owner may close the VM behind the interrupt while the sink lives on. */
  @Test
  void closedPortDrivesNothing() {
    sink.setRoom(false);
    out(IER, 2);
    out(DATA, 'x');
    uart.close();
    assertEquals(List.of(), sink.listeners());
    sink.setRoom(true);
    assertFalse(irq.level());
    out(IER, 0);
    out(IER, 2);
    assertFalse(irq.level(), "not by an access either");
    assertFalse(uart.receive((byte) 'a'));
    uart.close();
  }

  @Test
  void closingTakesOnlyTheOwnListenerAway() {
    Uart16550 other = new Uart16550(new RecordingIrq(), sink);
    uart.close();
    assertEquals(1, sink.listeners().size());
    other.close();
    assertEquals(0, sink.listeners().size());
  }

  @Test
  void pausedPortRaisesWhatBecameDueWhenItIsResumed() {
    sink.setRoom(false);
    out(IER, 2);
    out(DATA, 'x');
    uart.pause();
    sink.setRoom(true);
    assertFalse(irq.level());
    uart.resume();
    assertTrue(irq.level());
    assertEquals(0xc2, in(IIR));
    uart.resume();
    assertFalse(irq.level());
  }

  @Test
  void pausedPortTakesNoInputAndAsksForItWhenResumed() {
    AtomicInteger wakeUps = new AtomicInteger();
    uart.onReceiveRoom(wakeUps::incrementAndGet);
    out(IER, 1);
    uart.pause();
    assertEquals(0, uart.receive(new byte[3], 0, 3));
    assertFalse(uart.receiveBreak());
    assertFalse(irq.level());
    uart.resume();
    assertEquals(1, wakeUps.get());
    assertEquals(3, uart.receive(new byte[3], 0, 3));
    assertTrue(irq.level());
  }
}
