// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** A report's file: there is the whole report, or what was there before. */
final class ReportFile {
  /** Writes a report. */
  interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  private ReportFile() {}

  /**
   * Writes to a temporary file beside the target, which then takes its place. What is no regular
   * file, as /dev/stdout or a pipe, is written to.
   *
   * @throws IOException names the file
   */
  static void write(Path target, Content content) throws IOException {
    try {
      if (Files.exists(target) && !Files.isRegularFile(target)) {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(target))) {
          content.writeTo(out);
        }
        return;
      }
      // A report by way of a link stays behind the link.
      Path file = Files.exists(target) ? target.toRealPath() : target.toAbsolutePath();
      replace(file, content);
    } catch (FileSystemException e) {
      throw named(target, e.getReason() == null ? e.getClass().getSimpleName() : e.getReason(), e);
    } catch (IOException e) {
      throw named(target, e.getMessage(), e);
    }
  }

  private static void replace(Path file, Content content) throws IOException {
    Path temporary = file.resolveSibling("." + UUID.randomUUID() + ".tmp");
    try {
      try (OutputStream out =
          new BufferedOutputStream(
              Files.newOutputStream(
                  temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE))) {
        content.writeTo(out);
      }
      move(temporary, file);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static IOException named(Path target, String facts, IOException cause) {
    String why =
        switch (facts) {
          case "NoSuchFileException" -> "its directory does not exist";
          case "AccessDeniedException" -> "permission denied";
          default -> facts;
        };
    return new IOException("report " + target + " can't be written: " + why, cause);
  }
}
