// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the host is like.
 *
 * @param memoryBytes all RAM of the host; {@link Long#MAX_VALUE} where it is not known
 */
record HostFacts(long memoryBytes) {
  private static final Pattern MEM_TOTAL = Pattern.compile("MemTotal:\\s+(\\d+) kB");

  static HostFacts read() {
    return new HostFacts(memTotalBytes());
  }

  private static long memTotalBytes() {
    try (BufferedReader reader = Files.newBufferedReader(Path.of("/proc/meminfo"))) {
      Matcher matcher = MEM_TOTAL.matcher(String.valueOf(reader.readLine()));
      return matcher.find() ? Long.parseLong(matcher.group(1)) * 1024 : Long.MAX_VALUE;
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }
}
