// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.RandomBytes;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;

/**
 * An Ethernet address that a network card can have: not a group's, not zero.
 *
 * @param value 48 bits, the first byte on the cable the highest
 */
public record MacAddress(long value) {
  private static final long MASK = (1L << 48) - 1;
  private static final long GROUP = 1L << 40;
  private static final long LOCALLY_ADMINISTERED = 2L << 40;

  /**
   * Checks the address.
   *
   * @throws MachineException with {@link Problem#MAC_ADDRESS}
   */
  public MacAddress {
    if (value <= 0 || value > MASK || (value & GROUP) != 0) {
      throw new MachineException(
          Problem.MAC_ADDRESS,
          String.format(
              "%012x is not the address of a card: it is zero, a group's or no 48 bits", value));
    }
  }

  /** A random, locally administered address: others on the same network have another one. */
  public static MacAddress random() {
    try {
      return new MacAddress(RandomBytes.nextLong() & MASK & ~GROUP | LOCALLY_ADMINISTERED);
    } catch (LinuxException e) {
      throw new MachineException(Problem.HOST, e.getMessage(), e);
    }
  }

  /** In the usual form, {@code 02:00:00:00:00:01}. */
  @Override
  public String toString() {
    return String.format("%012x", value).replaceAll("(..)(?!$)", "$1:");
  }
}
