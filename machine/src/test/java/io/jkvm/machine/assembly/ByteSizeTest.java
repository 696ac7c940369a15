// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0 bytes",
    "1023, 1023 bytes",
    "1024, 1K",
    "67108864, 64M",
    "1610612736, 1.5G",
    "10995116277760, 10T",
  })
  void writesSizes(long bytes, String text) {
    assertEquals(text, ByteSize.format(bytes));
  }
}
