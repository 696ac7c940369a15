// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FdOutputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.UUID;

/**
 * A report's file: there is the whole report, or what was there before. Its directory is opened
 * once, before any guest runs, and it has its name in there: a guest that may write where the
 * report is to be can put links and pipes in its place and in that of the directory, and nothing
 * else is written for it.
 */
public final class ReportFile implements AutoCloseable {
  /** Writes a report. */
  @FunctionalInterface
  public interface Content {
    /** Writes all of it; the stream stays open. */
    void writeTo(OutputStream out) throws IOException;
  }

  private final Path target;

  /** One of these two is null. */
  private final SecureDirectoryStream<Path> directory;

  private final Fd stream;
  private final Path name;

  private ReportFile(Path target, SecureDirectoryStream<Path> directory, Path name, Fd stream) {
    this.target = target;
    this.directory = directory;
    this.name = name;
    this.stream = stream;
  }

  /**
   * Opens the directory of a file, which need not exist. A report by way of a link stays behind the
   * link. What is no regular file, as /dev/stdout or a pipe, is opened itself.
   *
   * @throws IOException names the file
   */
  public static ReportFile open(Path target) throws IOException {
    try {
      if (Files.exists(target) && !Files.isRegularFile(target)) {
        return new ReportFile(target, null, null, Fd.create(target.toString()));
      }
      Path file = Files.exists(target) ? target.toRealPath() : target.toAbsolutePath();
      DirectoryStream<Path> opened = Files.newDirectoryStream(file.getParent());
      if (opened instanceof SecureDirectoryStream<Path> secure) {
        return new ReportFile(target, secure, file.getFileName(), null);
      }
      opened.close();
      throw new IOException("its directory can't be held open");
    } catch (IOException e) {
      throw named(target, e);
    }
  }

  /** Whether what is written can be replaced later; else it is written once, at the end. */
  public boolean canBeReplaced() {
    return stream == null;
  }

  /**
   * Writes a report: to a temporary file beside the target, which then takes its place.
   *
   * @throws IOException names the file
   */
  public void write(Content content) throws IOException {
    try {
      if (stream != null) {
        OutputStream out =
            new BufferedOutputStream(new FdOutputStream(stream.value(), target.toString()));
        content.writeTo(out);
        out.flush();
      } else {
        replace(content);
      }
    } catch (IOException e) {
      throw named(target, e);
    }
  }

  private void replace(Content content) throws IOException {
    Path temporary = Path.of("." + UUID.randomUUID() + ".tmp");
    try {
      var options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      try (OutputStream out =
          new BufferedOutputStream(
              Channels.newOutputStream(directory.newByteChannel(temporary, options)))) {
        content.writeTo(out);
      }
      directory.move(temporary, directory, name);
    } finally {
      deleteIfThere(temporary);
    }
  }

  private void deleteIfThere(Path temporary) throws IOException {
    try {
      directory.deleteFile(temporary);
    } catch (NoSuchFileException e) {
      // It has its name.
    }
  }

  private static IOException named(Path target, IOException cause) {
    String facts =
        cause instanceof FileSystemException file && file.getReason() != null
            ? file.getReason()
            : cause instanceof FileSystemException
                ? cause.getClass().getSimpleName()
                : cause.getMessage();
    String why =
        switch (facts) {
          case "NoSuchFileException" -> "its directory does not exist";
          case "AccessDeniedException" -> "permission denied";
          case "NotDirectoryException" -> "its directory is none";
          default -> facts;
        };
    return new IOException("report " + target + " can't be written: " + why, cause);
  }

  @Override
  public void close() throws IOException {
    if (stream != null) {
      stream.close();
    } else {
      directory.close();
    }
  }
}
