// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.NativeMemory;

/** Ethernet addresses of network cards, as 48-bit numbers with the first byte the highest. */
final class MacAddress {
  private static final long MASK = (1L << 48) - 1;
  private static final long GROUP = 1L << 40;
  private static final long LOCALLY_ADMINISTERED = 2L << 40;

  private MacAddress() {}

  /**
   * Parses {@code 02:00:00:00:00:01}; hyphens will do as well.
   *
   * @throws IllegalArgumentException if it is none, or one that no card may have
   */
  static long parse(String text) {
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
    return mac;
  }

  /** A random, locally administered address: others on the same network have another one. */
  static long random() {
    NativeMemory bytes = new NativeMemory(8);
    if (Libc.getrandom(bytes.address(), 8, 0) != 8) {
      // Kernels have it since 2014; what differs between processes is good enough.
      bytes.buffer().putLong(0, System.nanoTime() * 0x9e3779b97f4a7c15L ^ Libc.getpid());
    }
    return bytes.buffer().getLong(0) & MASK & ~GROUP | LOCALLY_ADMINISTERED;
  }

  /** In the usual form. */
  static String format(long mac) {
    return String.format("%012x", mac).replaceAll("(..)(?!$)", "$1:");
  }
}
