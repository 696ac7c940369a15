// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import java.util.Locale;

/** Sizes as people read them: {@code 512M}, {@code 1.5G}. */
final class ByteSize {
  private ByteSize() {}

  /** Bytes in the largest unit, a power of 1024, of which there is one. */
  static String format(long bytes) {
    for (int shift = 40; shift >= 10; shift -= 10) {
      if (bytes >= 1L << shift) {
        double value = (double) bytes / (1L << shift);
        String unit = "KMGT".charAt(shift / 10 - 1) + "";
        return (value == Math.rint(value)
                ? String.valueOf((long) value)
                : String.format(Locale.ROOT, "%.1f", value))
            + unit;
      }
    }
    return bytes + " bytes";
  }
}
