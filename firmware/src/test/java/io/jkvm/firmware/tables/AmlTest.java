// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Collections;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Expected bytes are by hand from ACPI 6.4, section 20.2. */
class AmlTest {
  private static final byte[] ONE = {1};

  @ParameterizedTest
  @CsvSource({
    "_CRS, 5F435253",
    "RTC, 5254435F",
    "\\_SB, 5C5F53425F",
    "\\_SB.PCI0, 5C2E5F53425F50434930",
    "A.B1.C_2, 2F03415F5F5F42315F5F435F325F"
  })
  void nameStrings(String path, String hex) {
    assertHex(hex, Aml.nameString(path));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\\", "ABCDE", "abc", "1AB", "A..B", "A.", "Ä"})
  void refusesWhatIsNoName(String path) {
    assertThrows(IllegalArgumentException.class, () -> Aml.nameString(path));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 00",
    "1, 01",
    "2, 0A02",
    "ff, 0AFF",
    "100, 0B0001",
    "ffff, 0BFFFF",
    "10000, 0C00000100",
    "ffffffff, 0CFFFFFFFF",
    "100000000, 0E0000000001000000",
    "ffffffffffffffff, 0EFFFFFFFFFFFFFFFF"
  })
  void integersAreAsShortAsPossible(String value, String hex) {
    assertHex(hex, Aml.integer(Long.parseUnsignedLong(value, 16)));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 01",
    "62, 3F",
    "63, 4104",
    "4093, 4FFF",
    "4094, 810001",
    "1048572, 8FFFFF",
    "1048573, C1000001",
    "268435451, CFFFFFFF"
  })
  void packageLengthCountsItself(int content, String hex) {
    assertHex(hex, Aml.packageLength(content));
  }

  @Test
  void refusesPackageOverTheLongestLength() {
    assertThrows(IllegalArgumentException.class, () -> Aml.packageLength(268435452));
  }

  @ParameterizedTest
  @CsvSource({"PNP0A03, 0C41D00A03", "PNP0501, 0C41D00501", "PNP0C0F, 0C41D00C0F"})
  void eisaIds(String id, String hex) {
    assertHex(hex, Aml.eisaId(id));
  }

  @ParameterizedTest
  @ValueSource(strings = {"PNP0A0", "pnp0A03", "PNP0A0G", "LNRO0005"})
  void refusesWhatIsNoEisaId(String id) {
    assertThrows(IllegalArgumentException.class, () -> Aml.eisaId(id));
  }

  @Test
  void strings() {
    assertHex("0D4C4E524F3030303500", Aml.string("LNRO0005"));
    assertThrows(IllegalArgumentException.class, () -> Aml.string("ä"));
    assertThrows(IllegalArgumentException.class, () -> Aml.string("\0"));
  }

  @Test
  void objects() {
    assertHex("11050A02ABCD", Aml.buffer(new byte[] {(byte) 0xAB, (byte) 0xCD}));
    assertHex("120502000A05", Aml.packageOf(Aml.integer(0), Aml.integer(5)));
    assertHex("085F55494401", Aml.name("_UID", ONE));
    assertHex("A40A05", Aml.returns(Aml.integer(5)));
  }

  @Test
  void blocks() {
    assertHex("10075C5F53425F01", Aml.scope("\\_SB", ONE));
    assertHex("5B82064350553001", Aml.device("CPU0", ONE));
    assertHex("14065F53525309", Aml.method("_SRS", 1));
    assertHex("14085F53544108A401", Aml.method("_STA", 0, Aml.returns(ONE)));
    assertThrows(IllegalArgumentException.class, () -> Aml.method("_STA", 8));
  }

  @Test
  void refusesPackageOfMoreThan255() {
    assertThrows(
        IllegalArgumentException.class, () -> Aml.packageOf(Collections.nCopies(256, ONE)));
  }

  private static void assertHex(String expected, byte[] actual) {
    assertEquals(expected, HexFormat.of().withUpperCase().formatHex(actual));
  }
}
