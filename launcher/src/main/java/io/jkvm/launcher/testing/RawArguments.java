// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The bytes of this process' arguments and environment: Java makes text of them, and bytes that are
 * none in the locale's encoding are lost on the way.
 */
public final class RawArguments {
  private static final Path PROCESS = Path.of("/proc/self");

  private RawArguments() {}

  /**
   * The last arguments as they were given.
   *
   * @param texts the same as Java has them, for where they can't be had
   */
  public static List<byte[]> last(List<String> texts) {
    List<byte[]> all = split("cmdline");
    int from = all.size() - texts.size();
    if (from < 0) {
      return encoded(texts);
    }
    List<byte[]> last = all.subList(from, all.size());
    Charset charset = charset();
    for (int i = 0; i < texts.size(); i++) {
      if (!new String(last.get(i), charset).equals(texts.get(i))) {
        return encoded(texts); // a JVM that was started by another program's code
      }
    }
    return List.copyOf(last);
  }

  /** The environment, a string for each variable. */
  public static List<byte[]> environment() {
    return split("environ");
  }

  private static List<byte[]> encoded(List<String> texts) {
    return texts.stream().map(text -> text.getBytes(charset())).toList();
  }

  private static Charset charset() {
    return Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
  }

  private static List<byte[]> split(String file) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(PROCESS.resolve(file));
    } catch (IOException e) {
      return List.of();
    }
    List<byte[]> strings = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == 0) {
        strings.add(java.util.Arrays.copyOfRange(bytes, start, i));
        start = i + 1;
      }
    }
    return strings;
  }
}
