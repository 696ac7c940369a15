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
 * @param hardwareVirtualization false where the processor shows neither VT-x nor AMD-V: a KVM that
 *     works all the same interprets the guest's kernel
 * @param memoryBytes all RAM of the host; {@link Long#MAX_VALUE} where it is not known
 */
record HostFacts(boolean hardwareVirtualization, long memoryBytes) {
  private static final Pattern VIRTUALIZATION = Pattern.compile("\\b(vmx|svm)\\b");
  private static final Pattern MEM_TOTAL = Pattern.compile("MemTotal:\\s+(\\d+) kB");

  static HostFacts read() {
    return new HostFacts(
        contains(Path.of("/proc/cpuinfo"), "flags", VIRTUALIZATION), memTotalBytes());
  }

  private static boolean contains(Path file, String prefix, Pattern pattern) {
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (line.startsWith(prefix)) {
          return pattern.matcher(line).find(); // all processors are alike
        }
      }
      return true;
    } catch (IOException e) {
      return true; // no /proc: assume an ordinary host
    }
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
