// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SizeOptionTest {
  @ParameterizedTest
  @CsvSource({
    "64M, 67108864",
    "64, 67108864",
    "64m, 67108864",
    "64MiB, 67108864",
    "64MB, 67108864",
    "65536K, 67108864",
    "65540K, 67112960",
    "1G, 1073741824",
    "6g, 6442450944",
    "10T, 10995116277760",
    "8388607T, 9223370937343148032",
  })
  void readsSizes(String text, long bytes) {
    assertEquals(bytes, SizeOption.parse(text));
  }

  @ParameterizedTest
  @CsvSource({
    "'', is not a size",
    "M, is not a size",
    "-64M, is not a size",
    "64 M, is not a size",
    "64Q, is not a size",
    "1.5G, is not a size",
    "0x40M, is not a size",
    "1000000000000000M, is not a size",
    "8388608T, more than any machine",
    "999999999999999G, more than any machine",
    "0, too small",
    "63M, too small",
    "65535K, too small",
    "65537K, whole number of 4 KiB pages",
  })
  void refusesWhatIsNoSize(String text, String why) {
    Exception e = assertThrows(IllegalArgumentException.class, () -> SizeOption.parse(text));
    assertTrue(e.getMessage().contains(why), e.getMessage());
    assertTrue(e.getMessage().contains("'" + text + "'"), e.getMessage());
  }
}
