// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TimeOptionTest {
  @ParameterizedTest
  @CsvSource({
    "500ms, 500",
    "60s, 60000",
    "60, 60000",
    "5m, 300000",
    "2h, 7200000",
    "999999999h, 3599999996400000",
  })
  void readsTimes(String text, long milliseconds) {
    assertEquals(milliseconds, TimeOption.parse(text).toMillis());
  }

  @ParameterizedTest
  @CsvSource({
    "'', is not a time",
    "s, is not a time",
    "-1s, is not a time",
    "1 s, is not a time",
    "1d, is not a time",
    "1.5s, is not a time",
    "1234567890s, is not a time",
    "0, no time at all",
    "0ms, no time at all",
  })
  void refusesWhatIsNoTime(String text, String why) {
    Exception e = assertThrows(IllegalArgumentException.class, () -> TimeOption.parse(text));
    assertTrue(e.getMessage().contains(why), e.getMessage());
  }
}
