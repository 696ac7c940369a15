// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InstructionNameTest {
  private static String name(String hex) {
    byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
    return InstructionName.of(code, true).orElse("none");
  }

  @ParameterizedTest
  @CsvSource({
    "f2 48 0f 38 f1 c8, crc32 (sse4_2)", // crc32 rcx, rax
    "f2 0f 38 f0 07, crc32 (sse4_2)",
    "48 0f c7 3f, none", // vmptrst
    "48 0f c7 0f, cmpxchg8b or cmpxchg16b (cx16)",
    "0f 01 f9, rdtscp",
    "66 0f 38 82 07, invpcid",
    "66 0f ae 37, clwb",
    "48 0f ae 37, xsaveopt",
    "48 0f c7 2f, xsaves",
    "0f 00 2d 00 00 00 00, verw",
    "0f 03 c1, lsl",
    "c5 f8 77, an AVX or BMI instruction", // vzeroupper
    "62 f1 7c 48 10 07, an AVX-512 instruction",
    "d9 e8, an x87 instruction",
    "66 0f ef c0, an MMX or SSE instruction",
    "0f 05, syscall",
    "f3 0f b8 c1, popcnt",
    "0f 78 c1, none", // vmread
    "90, none",
    "f4, none"
  })
  void knowsWhatEmulatorsLack(String hex, String expected) {
    assertEquals(expected, name(hex));
  }

  @Test
  void codeThatEndsInTheMiddleHasNoName() {
    assertEquals("none", name("f2"));
    assertEquals("none", name(""));
    assertEquals("none", name("0f"));
    assertEquals("none", name("66 66 66 66 66 66 66 66 66 66 66 66 66 66 66"));
  }

  /** LES, LDS and BOUND begin like AVX. */
  @Test
  void otherModesHaveOtherInstructions() {
    byte[] les = {(byte) 0xc4, 0x07};
    assertEquals("none", InstructionName.of(les, false).orElse("none"));
  }
}
