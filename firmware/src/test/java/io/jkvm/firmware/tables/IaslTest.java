// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Holds the tables against ACPI's reference compiler (Debian's acpica-tools): it disassembles each
 * without a complaint, and compiles what comes out to the same table again, without an error or
 * warning.
 */
class IaslTest {
  private static final long LIMIT_SECONDS = 300;

  @TempDir private Path folder;

  @BeforeEach
  void needsIasl() {
    boolean present =
        List.of(System.getenv("PATH").split(":")).stream()
            .anyMatch(entry -> Files.isExecutable(Path.of(entry, "iasl")));
    if (System.getenv("CI") != null) {
      assertTrue(present, "iasl is missing: apt-get install acpica-tools");
    }
    Assumptions.assumeTrue(present, "needs iasl: apt-get install acpica-tools");
  }

  @ParameterizedTest
  @CsvSource({"1, 0", "2, 3", "300, 32"})
  void tablesWithPci(int processors, int virtioMmio) throws Exception {
    check(TableDump.of(TableDump.everything(processors, virtioMmio)));
  }

  @Test
  void tablesWithoutPci() throws Exception {
    check(TableDump.of(TableDump.withoutPci(1, 4)));
  }

  private void check(Map<String, byte[]> tables) throws Exception {
    for (Map.Entry<String, byte[]> table : tables.entrySet()) {
      // iasl reads neither alone: one has no common header, the other is no table of its own.
      if (!table.getKey().equals("RSDP") && !table.getKey().equals("FACS")) {
        check(table.getKey(), table.getValue());
      }
    }
  }

  private void check(String name, byte[] bytes) throws Exception {
    Path table = Files.write(folder.resolve(name + ".dat"), bytes);
    String disassembled = iasl("-d", table.toString());
    assertClean(name, disassembled);
    Path source = folder.resolve(name + ".dsl");
    String text = Files.readString(source);
    assertClean(name, text);
    Path again = folder.resolve(name + "-again");
    String compiled = iasl("-p", again.toString(), source.toString());
    boolean aml = name.equals("DSDT");
    String verdict = aml ? "0 Errors, 0 Warnings, 0 Remarks" : "0 Errors, 0 Warnings";
    assertTrue(compiled.contains(verdict), name + "\n" + compiled + text);
    byte[] compiledBytes = Files.readAllBytes(folder.resolve(name + "-again.aml"));
    assertEquals(bytes.length, compiledBytes.length, name);
    // The compiler puts its own name and version into the header, which changes the checksum.
    for (byte[] either : List.of(bytes, compiledBytes)) {
      either[9] = 0;
      java.util.Arrays.fill(either, 28, 36, (byte) 0);
    }
    assertArrayEquals(bytes, compiledBytes, name);
  }

  private static void assertClean(String name, String output) {
    for (String word : List.of("Error", "Warning", "Invalid", "incorrect", "Unknown")) {
      List<String> lines = output.lines().filter(line -> line.contains(word)).toList();
      assertEquals(List.of(), lines, name);
    }
  }

  private String iasl(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("iasl"));
    command.addAll(List.of(arguments));
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    String text = Files.readString(output);
    assertTrue(ended && process.exitValue() == 0, String.join(" ", command) + "\n" + text);
    return text;
  }
}
