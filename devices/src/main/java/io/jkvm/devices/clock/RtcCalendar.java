// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.clock;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.YearMonth;
import java.time.ZoneOffset;

/**
 * Translates between seconds since 1970 (UTC) and the time registers of an MC146818 in the data
 * mode of its register B (data sheet, "Time, Calendar, and Alarm Locations"). Guarded by the
 * clock's lock.
 */
final class RtcCalendar {
  static final int SECONDS = 0;
  static final int MINUTES = 2;
  static final int HOURS = 4;
  static final int DAY_OF_WEEK = 6;
  static final int DAY_OF_MONTH = 7;
  static final int MONTH = 8;
  static final int YEAR = 9;

  /** Where PC firmware keeps the century. */
  static final int CENTURY = 0x32;

  /** Register B: hours count to 24. */
  static final int B_24_HOURS = 2;

  /** Register B: registers are binary, not BCD. */
  static final int B_BINARY = 4;

  /** What {@link #decode} and {@link #decodeHours} give for nonsense. */
  static final int INVALID = -1;

  private static final int PM = 0x80;

  private long cachedSecond;
  private LocalDateTime cached = LocalDateTime.ofEpochSecond(0, 0, ZoneOffset.UTC);

  static boolean isTimeRegister(int register) {
    return switch (register) {
      case SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DAY_OF_MONTH, MONTH, YEAR, CENTURY -> true;
      default -> false;
    };
  }

  /** What a time register shows at a moment. */
  int encode(int register, long epochSecond, int registerB) {
    if (epochSecond != cachedSecond) {
      cached = LocalDateTime.ofEpochSecond(epochSecond, 0, ZoneOffset.UTC);
      cachedSecond = epochSecond;
    }
    return switch (register) {
      case SECONDS -> encode(cached.getSecond(), registerB);
      case MINUTES -> encode(cached.getMinute(), registerB);
      case HOURS -> encodeHours(cached.getHour(), registerB);
      // 1 is Sunday.
      case DAY_OF_WEEK -> cached.getDayOfWeek().getValue() % 7 + 1;
      case DAY_OF_MONTH -> encode(cached.getDayOfMonth(), registerB);
      case MONTH -> encode(cached.getMonthValue(), registerB);
      case YEAR -> encode(Math.floorMod(cached.getYear(), 100), registerB);
      default -> encode(Math.floorMod(cached.getYear() / 100, 100), registerB);
    };
  }

  /**
   * The moment that a set of registers stands for; a day after the month's end counts as its end.
   *
   * @param registers indexed by register number
   * @return seconds since 1970, or {@link Long#MIN_VALUE} if they are no date
   */
  static long decode(byte[] registers, int registerB) {
    int second = decode(registers[SECONDS], registerB);
    int minute = decode(registers[MINUTES], registerB);
    int hour = decodeHours(registers[HOURS], registerB);
    int day = decode(registers[DAY_OF_MONTH], registerB);
    int month = decode(registers[MONTH], registerB);
    int year = decode(registers[YEAR], registerB);
    int century = decode(registers[CENTURY], registerB);
    if (year < 0 || year > 99 || century < 0 || century > 99 || day < 1 || day > 31) {
      return Long.MIN_VALUE;
    }
    try {
      int fullYear = century * 100 + year;
      int lastDay = YearMonth.of(fullYear, month).lengthOfMonth();
      return LocalDateTime.of(fullYear, month, Math.min(day, lastDay), hour, minute, second)
          .toEpochSecond(ZoneOffset.UTC);
    } catch (DateTimeException e) {
      return Long.MIN_VALUE;
    }
  }

  private static int encode(int value, int registerB) {
    return (registerB & B_BINARY) != 0 ? value : value / 10 << 4 | value % 10;
  }

  private static int encodeHours(int hour, int registerB) {
    if ((registerB & B_24_HOURS) != 0) {
      return encode(hour, registerB);
    }
    int twelve = hour % 12 == 0 ? 12 : hour % 12;
    return encode(twelve, registerB) | (hour >= 12 ? PM : 0);
  }

  /** The number in a register, or {@link #INVALID} if it is not BCD where it should be. */
  static int decode(byte raw, int registerB) {
    int value = raw & 0xff;
    if ((registerB & B_BINARY) != 0) {
      return value;
    }
    int tens = value >>> 4;
    int ones = value & 0xf;
    return tens > 9 || ones > 9 ? INVALID : tens * 10 + ones;
  }

  /** The hour of the day in a register, or {@link #INVALID}. */
  static int decodeHours(byte raw, int registerB) {
    if ((registerB & B_24_HOURS) != 0) {
      return decode(raw, registerB);
    }
    int twelve = decode((byte) (raw & ~PM), registerB);
    if (twelve < 1 || twelve > 12) {
      return INVALID;
    }
    return twelve % 12 + ((raw & PM) != 0 ? 12 : 0);
  }
}
