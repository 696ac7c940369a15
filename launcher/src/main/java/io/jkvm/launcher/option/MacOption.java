// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import io.jkvm.machine.spec.MacAddress;

/** The value of {@code mac=}. */
final class MacOption {
  private static final long GROUP = 1L << 40;

  private MacOption() {}

  /**
   * Parses {@code 02:00:00:00:00:01}; hyphens will do as well.
   *
   * @throws IllegalArgumentException if it is none, or one that no card may have
   */
  static MacAddress parse(String text) {
    if (!text.matches("[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}")) {
      throw new IllegalArgumentException(
          "mac '" + text + "' is not six bytes in hexadecimal, as in 02:00:00:00:00:01");
    }
    long mac = Long.parseLong(text.replaceAll("[:-]", ""), 16);
    if ((mac & GROUP) != 0) {
      throw new IllegalArgumentException(
          "mac '"
              + text
              + "' is a multicast address, which no card can have: the first byte must be even");
    }
    if (mac == 0) {
      throw new IllegalArgumentException(
          "mac '" + text + "' is no address; give one as in 02:00:00:00:00:01");
    }
    return new MacAddress(mac);
  }
}
