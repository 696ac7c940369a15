// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.clock;

import java.time.Clock;

/**
 * The clock half of an MC146818: time, alarm and registers A to C (data sheet, "Registers"). Time
 * is the host's clock plus an offset that the guest sets by writing the time registers. Events are
 * found by comparing now with the last poll, so nothing runs while no interrupt is enabled. Guarded
 * by the owner's lock.
 */
final class RtcTimekeeper {
  static final int SECONDS_ALARM = 1;
  static final int MINUTES_ALARM = 3;
  static final int HOURS_ALARM = 5;
  static final int REGISTER_A = 0xa;
  static final int REGISTER_B = 0xb;
  static final int REGISTER_C = 0xc;
  static final int REGISTER_D = 0xd;

  private static final int A_UPDATE_IN_PROGRESS = 0x80;
  private static final int A_DIVIDER_RESET = 0x60;
  private static final int A_RATE = 0x0f;
  private static final int A_32_KHZ_1024_HZ = 0x26;

  private static final int B_SET = 0x80;
  private static final int B_UPDATE_INTERRUPT = 0x10;

  private static final int C_IRQ = 0x80;
  private static final int C_PERIODIC = 0x40;
  private static final int C_ALARM = 0x20;
  private static final int C_UPDATE = 0x10;
  private static final int C_EVENTS = C_PERIODIC | C_ALARM | C_UPDATE;

  private static final int D_VALID_RAM_AND_TIME = 0x80;

  /** An alarm register of 0xC0 or more matches everything. */
  private static final int ALARM_ANY = 0xc0;

  private static final int SECONDS_PER_DAY = 86_400;
  private static final int TIME_BASE_HZ = 32_768;

  /** The first update comes this long after the divider's reset ends. */
  private static final int AFTER_RESET_MILLISECONDS = 500;

  private final Clock clock;
  private final byte[] registers;
  private final RtcCalendar calendar = new RtcCalendar();

  private long offsetMilliseconds;
  private int registerA = A_32_KHZ_1024_HZ;
  private int registerB = RtcCalendar.B_24_HOURS;
  private int flags;
  private boolean dividerWasReset;
  private long lastPollMilliseconds;
  private long lastPeriodicTick;

  /**
   * A clock that shows the host's time.
   *
   * @param registers the chip's RAM; its time registers hold the time while it stands still
   */
  RtcTimekeeper(Clock clock, byte[] registers) {
    this.clock = clock;
    this.registers = registers;
    lastPollMilliseconds = now();
    lastPeriodicTick = periodicTick();
  }

  static boolean owns(int register) {
    return RtcCalendar.isTimeRegister(register) || register <= REGISTER_D;
  }

  int read(int register) {
    switch (register) {
      case REGISTER_A:
        return registerA | (updateInProgress() ? A_UPDATE_IN_PROGRESS : 0);
      case REGISTER_B:
        return registerB;
      case REGISTER_C:
        poll();
        int value = flags | (irq() ? C_IRQ : 0);
        flags = 0;
        return value;
      case REGISTER_D:
        return D_VALID_RAM_AND_TIME;
      default:
        return RtcCalendar.isTimeRegister(register) && running()
            ? calendar.encode(register, Math.floorDiv(now(), 1000L), registerB)
            : registers[register] & 0xff;
    }
  }

  void write(int register, int value) {
    poll();
    switch (register) {
      case REGISTER_A:
        control(value & 0x7f, registerB);
        break;
      case REGISTER_B:
        // SET going high clears the update interrupt's enable bit.
        control(registerA, (value & ~registerB & B_SET) != 0 ? value & ~B_UPDATE_INTERRUPT : value);
        break;
      case REGISTER_C:
      case REGISTER_D:
        break;
      default:
        if (RtcCalendar.isTimeRegister(register) && running()) {
          holdTime();
          registers[register] = (byte) value;
          setTime(Math.floorMod(now(), 1000L));
        } else {
          registers[register] = (byte) value;
        }
        break;
    }
  }

  /** Latches the events since the last poll. */
  void poll() {
    long tick = periodicTick();
    if (tick != lastPeriodicTick) {
      lastPeriodicTick = tick;
      flags |= C_PERIODIC;
    }
    long before = Math.floorDiv(lastPollMilliseconds, 1000L);
    lastPollMilliseconds = now();
    long after = Math.floorDiv(lastPollMilliseconds, 1000L);
    if (running() && after > before) {
      flags |= C_UPDATE;
      if (alarmBetween(before + 1, after)) {
        flags |= C_ALARM;
      }
    }
  }

  /** True if an event has happened whose interrupt is enabled. */
  boolean irq() {
    return (flags & registerB & C_EVENTS) != 0;
  }

  /** How long until an enabled interrupt may be due; 0 if none will come by itself. */
  long millisecondsToNextEvent() {
    if (irq()) {
      return 0;
    }
    int hertz = periodicHz();
    if ((registerB & C_PERIODIC) != 0 && hertz != 0) {
      long ofSecond = Math.floorMod(clock.millis(), 1000L);
      long nextTick = ofSecond * hertz / 1000 + 1;
      return Math.max(1, (nextTick * 1000 + hertz - 1) / hertz - ofSecond);
    }
    boolean everySecond = (registerB & (C_ALARM | C_UPDATE)) != 0 && running();
    return everySecond ? 1000 - Math.floorMod(now(), 1000L) : 0;
  }

  private long now() {
    return clock.millis() + offsetMilliseconds;
  }

  private boolean dividerReset() {
    return (registerA & A_DIVIDER_RESET) == A_DIVIDER_RESET;
  }

  private boolean running() {
    return (registerB & B_SET) == 0 && !dividerReset();
  }

  /** The last millisecond of each second: a guest that polls for it to end waits no longer. */
  private boolean updateInProgress() {
    return running() && Math.floorMod(now(), 1000L) == 999;
  }

  private void control(int newA, int newB) {
    boolean wasRunning = running();
    if (wasRunning) {
      holdTime();
    }
    registerA = newA;
    registerB = newB;
    dividerWasReset |= dividerReset();
    lastPeriodicTick = periodicTick();
    if (!wasRunning && running()) {
      setTime(dividerWasReset ? AFTER_RESET_MILLISECONDS : Math.floorMod(now(), 1000L));
      dividerWasReset = false;
    }
  }

  private void holdTime() {
    long second = Math.floorDiv(now(), 1000L);
    for (int register = 0; register < REGISTER_A; register++) {
      if (RtcCalendar.isTimeRegister(register)) {
        registers[register] = (byte) calendar.encode(register, second, registerB);
      }
    }
    registers[RtcCalendar.CENTURY] = (byte) calendar.encode(RtcCalendar.CENTURY, second, registerB);
  }

  /** Goes on from the time in the registers; from the old one if they hold no date. */
  private void setTime(long milliseconds) {
    long second = RtcCalendar.decode(registers, registerB);
    if (second != Long.MIN_VALUE) {
      offsetMilliseconds = second * 1000 + milliseconds - clock.millis();
      lastPollMilliseconds = now();
    }
  }

  private int periodicHz() {
    int rate = registerA & A_RATE;
    if (rate == 0 || dividerReset()) {
      return 0;
    }
    // With the 32 kHz time base rates 1 and 2 are 256 Hz and 128 Hz.
    return TIME_BASE_HZ >> (rate <= 2 ? rate + 6 : rate - 1);
  }

  /** Counts periods; the host's milliseconds limit it to 1000 a second. */
  private long periodicTick() {
    int hertz = periodicHz();
    long milliseconds = clock.millis();
    return Math.floorDiv(milliseconds, 1000L) * hertz
        + Math.floorMod(milliseconds, 1000L) * hertz / 1000;
  }

  private boolean alarmBetween(long first, long last) {
    int second = alarmField(SECONDS_ALARM, registers[SECONDS_ALARM]);
    int minute = alarmField(MINUTES_ALARM, registers[MINUTES_ALARM]);
    int hour = alarmField(HOURS_ALARM, registers[HOURS_ALARM]);
    // A day has every possible match, so a long silence costs no more than one.
    for (long at = Math.max(first, last - SECONDS_PER_DAY + 1); at <= last; at++) {
      int ofDay = (int) Math.floorMod(at, (long) SECONDS_PER_DAY);
      if (matches(second, ofDay % 60)
          && matches(minute, ofDay / 60 % 60)
          && matches(hour, ofDay / 3600)) {
        return true;
      }
    }
    return false;
  }

  private int alarmField(int register, byte raw) {
    if ((raw & 0xff) >= ALARM_ANY) {
      return ALARM_ANY;
    }
    return register == HOURS_ALARM
        ? RtcCalendar.decodeHours(raw, registerB)
        : RtcCalendar.decode(raw, registerB);
  }

  private static boolean matches(int field, int value) {
    return field == ALARM_ANY || field == value;
  }
}
