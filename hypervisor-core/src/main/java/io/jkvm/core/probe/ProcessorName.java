// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.probe;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The host processor's brand string (Intel SDM vol. 2, CPUID leaves 80000002H to 80000004H). */
public final class ProcessorName {
  /** Of the three leaves. */
  public static final int MAX_BYTES = 48;

  private static final String FIELD = "model name\t: ";

  private ProcessorName() {}

  /** By /proc/cpuinfo, as Java has no CPUID; empty where that does not tell it. */
  public static String ofHost() {
    return of(Path.of("/proc/cpuinfo"));
  }

  static String of(Path cpuinfo) {
    try (Stream<String> lines = Files.lines(cpuinfo, StandardCharsets.ISO_8859_1)) {
      String name =
          lines
              .filter(line -> line.startsWith(FIELD))
              .findFirst()
              .map(line -> line.substring(FIELD.length()))
              .orElse("");
      return name.substring(0, Math.min(name.length(), MAX_BYTES));
    } catch (IOException | UncheckedIOException e) {
      return "";
    }
  }
}
