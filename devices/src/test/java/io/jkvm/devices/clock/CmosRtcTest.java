// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.clock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.testing.RecordingIrq;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** CMOS and clock; the sections are those of the Motorola MC146818 data sheet. */
class CmosRtcTest {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;

  private final RecordingIrq irq = new RecordingIrq();
  private final SettableClock clock = new SettableClock("2031-12-31T23:59:58.250Z");
  private CmosRtc rtc = new CmosRtc("m", clock, 3 * GIB, 5 * GIB, irq);

  @AfterEach
  void close() {
    rtc.close();
  }

  private int in(int register) {
    rtc.write(0, 1, register);
    return (int) rtc.read(1, 1);
  }

  private void out(int register, int value) {
    rtc.write(0, 1, register);
    rtc.write(1, 1, value);
  }

  private String time() {
    return String.format(
        "%02x%02x-%02x-%02x %02x:%02x:%02x", in(0x32), in(9), in(8), in(7), in(4), in(2), in(0));
  }

  @Test
  void showsTheHostsTimeInBcd() {
    assertEquals("2031-12-31 23:59:58", time());
    assertEquals(4, in(6), "a Wednesday; 1 is Sunday");
    clock.advance(2000);
    assertEquals("2032-01-01 00:00:00", time());
    assertEquals(5, in(6));
  }

  @Test
  void binaryMode_registerB() {
    out(0x0b, 0x06);
    assertEquals(31, in(9));
    assertEquals(23, in(4));
    assertEquals(59, in(2));
    assertEquals(20, in(0x32));
  }

  @ParameterizedTest
  @CsvSource({"00,12,12", "01,01,1", "11,11,11", "12,92,140", "13,81,129", "23,91,139"})
  void twelveHourMode_registerB(String hour, String bcd, int binary) {
    clock.set("2031-12-31T" + hour + ":00:00Z");
    out(0x0b, 0x00);
    assertEquals(Integer.parseInt(bcd, 16), in(4));
    out(0x0b, 0x04);
    assertEquals(binary, in(4));
  }

  @Test
  void registersAtTheStart() {
    assertEquals(0x26, in(0x0a));
    assertEquals(0x02, in(0x0b));
    assertEquals(0x00, in(0x0c));
    assertEquals(0x80, in(0x0d));
    out(0x0c, 0xff);
    out(0x0d, 0);
    assertEquals(0x00, in(0x0c));
    assertEquals(0x80, in(0x0d));
  }

  @Test
  void updateInProgressInTheLastMillisecond_registerA() {
    assertEquals(0x26, in(0x0a));
    clock.set("2031-01-01T00:00:00.999Z");
    assertEquals(0xa6, in(0x0a));
    out(0x0b, 0x82);
    assertEquals(0x26, in(0x0a), "SET stops updates");
  }

  @Test
  void memorySizesWherePcFirmwareKeepsThem() {
    assertEquals(640, in(0x15) | in(0x16) << 8);
    assertEquals(0xffff, in(0x17) | in(0x18) << 8);
    assertEquals(0xffff, in(0x30) | in(0x31) << 8);
    assertEquals((3 * GIB - 16 * MIB) >> 16, in(0x34) | in(0x35) << 8);
    assertEquals(5 * GIB >> 16, in(0x5b) | in(0x5c) << 8 | in(0x5d) << 16);
    int sum = 0;
    for (int i = 0x10; i < 0x2e; i++) {
      sum += in(i);
    }
    assertEquals(sum, in(0x2e) << 8 | in(0x2f));
  }

  @Test
  void smallMemory() {
    rtc = new CmosRtc("m", clock, 8 * MIB, 0, irq);
    assertEquals(7 * 1024, in(0x17) | in(0x18) << 8);
    assertEquals(7 * 1024, in(0x30) | in(0x31) << 8);
    assertEquals(0, in(0x34) | in(0x35) << 8);
    assertEquals(0, in(0x5b) | in(0x5c) << 8 | in(0x5d) << 16);
  }

  @Test
  void memoryIsKeptAndTheNmiMaskIgnored() {
    out(0x80 | 0x7f, 0x5a);
    assertEquals(0x5a, in(0x7f));
    rtc.write(0, 2, 0xa57e);
    assertEquals(0xa5, in(0x7e));
    assertEquals(0xff, rtc.read(0, 1), "the index does not read back");
    assertEquals(0xa5ff, rtc.read(0, 2));
  }

  @Test
  void linuxSetsTheTimeAndItRunsHalfASecondLater() {
    // As mc146818_set_time does: SET, divider reset, registers, SET off, divider on.
    out(0x0b, 0x82);
    out(0x0a, 0x76);
    out(0x32, 0x20);
    out(9, 0x24);
    out(8, 0x02);
    out(7, 0x29);
    out(4, 0x12);
    out(2, 0x34);
    out(0, 0x56);
    clock.advance(5000);
    assertEquals("2024-02-29 12:34:56", time(), "stands still");
    out(0x0b, 0x02);
    clock.advance(5000);
    assertEquals("2024-02-29 12:34:56", time(), "the divider is still reset");
    out(0x0a, 0x26);
    clock.advance(499);
    assertEquals("2024-02-29 12:34:56", time());
    clock.advance(1);
    assertEquals("2024-02-29 12:34:57", time());
    clock.advance(86_400_000);
    assertEquals("2024-03-01 12:34:57", time());
  }

  @Test
  void singleRegistersMayBeWrittenWhileItRuns() {
    out(4, 0x07);
    out(8, 0x02);
    assertEquals("2031-02-28 07:59:58", time(), "no 31st of February");
    clock.advance(750);
    assertEquals("2031-02-28 07:59:59", time(), "the divider goes on");
  }

  @Test
  void nonsenseIsNoTime() {
    out(8, 0x13);
    out(7, 0x00);
    out(4, 0x24);
    out(2, 0xaa);
    assertEquals("2031-12-31 23:59:58", time());
  }

  @Test
  void updateEndedAndItsInterrupt_registerC() {
    out(0x0b, 0x12);
    assertFalse(irq.level());
    clock.advance(750);
    assertEquals(0x90, in(0x0c) & 0x90);
    assertEquals(0, in(0x0c) & 0x90, "reading clears");
    out(0x0b, 0x92);
    assertEquals(0x82, in(0x0b), "SET clears UIE");
  }

  @Test
  void flagsAreSetWithoutTheirInterrupts_registerC() {
    clock.advance(750);
    assertEquals(0x50, in(0x0c), "PF and UF, no IRQF");
    assertEquals(0, irq.rises());
  }

  @ParameterizedTest
  @CsvSource({
    "05,00,00,true",
    "ff,00,00,true",
    "05,01,00,false",
    "05,ff,c0,true",
    "6a,00,00,false"
  })
  void alarm(String second, String minute, String hour, boolean rings) {
    out(1, Integer.parseInt(second, 16));
    out(3, Integer.parseInt(minute, 16));
    out(5, Integer.parseInt(hour, 16));
    clock.advance(10_000);
    assertEquals(rings, (in(0x0c) & 0x20) != 0);
  }

  @Test
  void alarmIsSeenAfterALongSilence() {
    out(1, 0x30);
    out(3, 0x15);
    out(5, 0x08);
    clock.advance(Duration.ofDays(400).toMillis());
    assertEquals(0x20, in(0x0c) & 0x20);
    clock.advance(Duration.ofHours(1).toMillis());
    assertEquals(0, in(0x0c) & 0x20);
  }

  @Test
  void alarmThatNeverMatchesCostsNoMoreThanADay() {
    out(1, 0x6a);
    clock.advance(Duration.ofDays(50_000).toMillis());
    assertTimeout(Duration.ofSeconds(60), () -> in(0x0c));
  }

  @ParameterizedTest
  @CsvSource({"0x26,1", "0x2f,500", "0x21,4", "0x22,8", "0x2d,125"})
  void periodicRates_tableV(String registerA, int milliseconds) {
    clock.set("2031-01-01T00:00:00Z");
    out(0x0a, Integer.decode(registerA));
    in(0x0c);
    clock.advance(milliseconds - 1);
    assertEquals(0, in(0x0c) & 0x40);
    clock.advance(1);
    assertEquals(0x40, in(0x0c) & 0x40);
  }

  @Test
  void rateZeroIsOff_tableV() {
    out(0x0a, 0x20);
    in(0x0c);
    clock.advance(10_000);
    assertEquals(0, in(0x0c) & 0x40);
  }

  @Test
  void clockThatStepsBackIsNoEvent() {
    in(0x0c);
    clock.advance(-3_600_000);
    assertEquals(0, in(0x0c) & 0x30);
    assertEquals("2031-12-31 22:59:58", time());
  }

  @Test
  void timerRaisesEachInterruptOnceUntilRegisterCIsRead() throws InterruptedException {
    rtc = new CmosRtc("m", Clock.systemUTC(), GIB, 0, irq);
    out(0x0b, 0x42);
    assertTrue(irq.awaitLevel(true, 120_000), "periodic");
    in(0x0c);
    assertTrue(irq.awaitLevel(true, 120_000), "periodic again");
    out(0x0b, 0x02);
    assertTrue(irq.awaitLevel(false, 120_000), "disabled");
    in(0x0c);
    out(0x0b, 0x12);
    assertTrue(irq.awaitLevel(true, 120_000), "update ended");
    in(0x0c);
    assertFalse(irq.level());
  }

  @Test
  void closedClockRaisesNothing() {
    out(0x0b, 0x12);
    rtc.close();
    clock.advance(1000);
    out(0x0b, 0x12);
    assertFalse(irq.level());
  }

  @Test
  void closingLeavesNoThread() {
    // A clock that stands: an interrupt that is due at once needs no thread before it is read.
    rtc = new CmosRtc("closing", clock, GIB, 0, irq);
    out(0x0b, 0x42);
    assertTrue(timerThreadExists());
    rtc.close();
    assertFalse(timerThreadExists());
    rtc.close();
  }

  private static boolean timerThreadExists() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().equals("closing/rtc"));
  }

  @Test
  void pausedClockRaisesWhatBecameDueWhenItIsResumed() {
    out(0x0b, 0x12);
    rtc.pause();
    rtc.pause();
    clock.advance(1000);
    out(0x0b, 0x12);
    assertFalse(irq.level(), "paused");
    rtc.resume();
    assertTrue(irq.level(), "due meanwhile");
    rtc.resume();
    in(0x0c);
    assertFalse(irq.level());
    assertEquals(1, irq.rises());
  }

  @Test
  void nothingIsDueAfterAPauseThatWasShort() {
    out(0x0b, 0x12);
    rtc.pause();
    clock.advance(100);
    rtc.resume();
    assertFalse(irq.level());
    clock.advance(650);
    in(0x0c);
    assertFalse(irq.level());
  }

  @Test
  void timerGoesOnAfterAPause() throws InterruptedException {
    rtc = new CmosRtc("m", Clock.systemUTC(), GIB, 0, irq);
    rtc.pause();
    out(0x0b, 0x42);
    assertFalse(irq.level());
    rtc.resume();
    assertTrue(irq.awaitLevel(true, 120_000), "periodic");
    in(0x0c);
    assertTrue(irq.awaitLevel(true, 120_000), "periodic again");
  }

  private static final class SettableClock extends Clock {
    private Instant now;

    SettableClock(String now) {
      set(now);
    }

    void set(String instant) {
      now = Instant.parse(instant);
    }

    void advance(long milliseconds) {
      now = now.plusMillis(milliseconds);
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
