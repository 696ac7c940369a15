// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A report in a directory that somebody else writes between its opening and its end. */
@Timeout(300)
class ReportFileTest {
  @TempDir Path directory;

  private Path reports;
  private Path precious;

  @BeforeEach
  void directories() throws IOException {
    reports = Files.createDirectory(directory.resolve("reports"));
    precious = Files.writeString(directory.resolve("precious"), "kept");
  }

  private static void write(ReportFile report, String text) throws IOException {
    report.write(out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void aLinkThatComesLaterIsReplacedAndNotFollowed() throws Exception {
    Path target = reports.resolve("report");
    try (ReportFile report = ReportFile.open(target)) {
      write(report, "first");
      Files.delete(target);
      Files.createSymbolicLink(target, precious);
      write(report, "last");
    }
    assertEquals("kept", Files.readString(precious));
    assertFalse(Files.isSymbolicLink(target));
    assertEquals("last", Files.readString(target));
  }

  @Test
  void aDirectoryInThePlaceOfItsOwnGetsNothing() throws Exception {
    Path moved = directory.resolve("moved");
    try (ReportFile report = ReportFile.open(reports.resolve("precious"))) {
      Files.move(reports, moved);
      Files.createSymbolicLink(reports, directory);
      write(report, "last");
    }
    assertEquals("kept", Files.readString(precious));
    assertEquals("last", Files.readString(moved.resolve("precious")));
    Files.delete(reports);
  }

  @Test
  void aPipeThatComesLaterIsNotWaitedFor() throws Exception {
    Path target = reports.resolve("report");
    try (ReportFile report = ReportFile.open(target)) {
      assertEquals(0, new ProcessBuilder("mkfifo", target.toString()).start().waitFor());
      write(report, "last");
    }
    assertEquals("last", Files.readString(target));
  }
}
