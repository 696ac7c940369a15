// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.testing.RecordingIrq;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The keyboard controller against the IBM PC/AT Technical Reference, "Keyboard Controller". */
class I8042Test {
  private final RecordingIrq irq = new RecordingIrq();
  private final AtomicInteger resets = new AtomicInteger();
  private final I8042 controller = new I8042(irq, resets::incrementAndGet);

  private int status() {
    return (int) controller.commandPort().read(0, 1);
  }

  private int data() {
    return (int) controller.dataPort().read(0, 1);
  }

  private void command(int value) {
    controller.commandPort().write(0, 1, value);
  }

  private void send(int value) {
    controller.dataPort().write(0, 1, value);
  }

  private int ask(int command) {
    command(command);
    assertEquals(1, status() & 0x03, "an answer at once, and ready for more");
    int answer = data();
    assertEquals(0, status() & 0x01);
    return answer;
  }

  @Test
  void startsEmptyAndUnlocked() {
    assertEquals(0x14, status());
    assertEquals(0, irq.rises());
  }

  @Test
  void selfTests() {
    assertEquals(0x55, ask(0xaa));
    assertEquals(0x00, ask(0xab));
    assertEquals(0x01, ask(0xa9), "no auxiliary port");
    assertEquals(0xf1, ask(0xa4));
    assertEquals(0x80, ask(0xc0));
  }

  @Test
  void statusTellsCommandFromData() {
    command(0x20);
    assertEquals(0x1d, status());
    send(0);
    assertEquals(0x55, status(), "system flag, not locked, output full, time-out");
  }

  @Test
  void commandByteReadsBackAndKeepsTheAuxiliaryPortDisabled() {
    assertEquals(0x74, ask(0x20));
    command(0x60);
    send(0x41);
    assertEquals(0x61, ask(0x20));
    command(0xa8);
    assertEquals(0x61, ask(0x20), "there is no auxiliary port to enable");
    command(0xad);
    assertEquals(0x71, ask(0x20));
    command(0xae);
    assertEquals(0x61, ask(0x20));
  }

  @Test
  void ramReadsBack() {
    command(0x7f);
    send(0xab);
    assertEquals(0xab, ask(0x3f));
  }

  @Test
  void keyboardThatIsNotThereTimesOutAtOnceWithAnInterrupt() {
    command(0x60);
    send(0x45);
    assertFalse(irq.level());
    send(0xf2);
    assertTrue(irq.level());
    assertEquals(0x41, status() & 0x61);
    assertEquals(0xfe, data());
    assertFalse(irq.level());
    assertEquals(0, status() & 0x61);
  }

  @Test
  void noInterruptWhileDisabled() {
    send(0xf2);
    assertEquals(0, irq.rises());
    command(0x60);
    send(0x45);
    assertTrue(irq.level(), "the byte still waits");
    command(0x60);
    send(0x44);
    assertFalse(irq.level());
  }

  @Test
  void linuxAuxiliaryProbeFailsWithoutWaiting() {
    command(0xd3);
    send(0x5a);
    assertEquals(0x01, status() & 0x21, "comes back without the auxiliary flag");
    assertEquals(0x01, ask(0xa9), "clock line stuck");
  }

  @Test
  void mouseThatIsNotThereTimesOutWithoutKeyboardInterrupt() {
    command(0x60);
    send(0x45);
    command(0xd4);
    send(0xf4);
    assertEquals(0x61, status() & 0x61);
    assertEquals(0xfe, data());
    assertEquals(0, irq.rises());
  }

  @Test
  void outputPortHoldsA20() {
    assertEquals(0xcf, ask(0xd0));
    command(0xdd);
    assertEquals(0xcd, ask(0xd0));
    command(0xdf);
    assertEquals(0xcf, ask(0xd0));
    command(0xd1);
    send(0xdf);
    assertEquals(0xdf, ask(0xd0));
    command(0xff);
    assertEquals(0, resets.get());
    assertEquals(0, status() & 3);
  }

  @ParameterizedTest
  @ValueSource(ints = {0xfe, 0xf0, 0xfc})
  void pulsingBit0Resets(int command) {
    command(command);
    assertEquals(1, resets.get());
  }

  @Test
  void outputPortBit0Resets() {
    command(0xd1);
    send(0xfe);
    assertEquals(1, resets.get());
  }

  @Test
  void newCommandEndsTheOneThatWaitsForData() {
    command(0xd1);
    command(0xff);
    send(0x00);
    assertEquals(0, resets.get());
  }

  @Test
  void bufferWrittenOnRequest() {
    command(0xd2);
    send(0x1c);
    assertEquals(0x01, status() & 0x61);
    assertEquals(0x1c, data());
  }

  @Test
  void postCodeRemembersTheLastByte() {
    PostCode port = new PostCode();
    assertEquals(0, port.lastCode());
    port.write(0, 1, 0x1ab);
    assertEquals(0xab, port.lastCode());
    assertEquals(0xab, port.read(0, 1));
  }
}
