// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** Reads files, and streams that unpack themselves, up to a bound. */
final class BoundedFiles {
  /** The largest list of depmod's that is read; those of a distribution have 1 MiB or 2. */
  private static final int MAX_LIST_BYTES = 64 << 20;

  private BoundedFiles() {}

  /**
   * Reads a stream to its end.
   *
   * @param what of the stream, for the message
   * @throws IOException if there are more bytes than that
   */
  static byte[] readAll(InputStream in, int maxBytes, String what) throws IOException {
    byte[] bytes = in.readNBytes(maxBytes);
    if (in.read() >= 0) {
      throw new IOException(what + " has more than " + maxBytes + " bytes");
    }
    return bytes;
  }

  /** The lines of one of depmod's or the build's lists; none if there is no such file. */
  static List<String> lines(Path list) throws IOException {
    if (!Files.isRegularFile(list)) {
      return List.of();
    }
    try (InputStream in = Files.newInputStream(list)) {
      byte[] bytes = readAll(in, MAX_LIST_BYTES, list.toString());
      return new String(bytes, StandardCharsets.UTF_8).lines().toList();
    }
  }

  /** Why a file can't be read, without the file's name, which is all that some messages have. */
  static String reason(IOException e) {
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof NoSuchFileException) {
      return "it does not exist";
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }
}
