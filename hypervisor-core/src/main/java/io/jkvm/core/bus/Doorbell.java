// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.bus;

import java.util.OptionalInt;

/**
 * The writes that ring: those at exactly one guest-physical address.
 *
 * @param value if present, only writes of 4 bytes with this value; else of any size and value
 */
public record Doorbell(long guestPhysicalAddress, OptionalInt value) {
  /** Every write, of any size and value. */
  public static Doorbell anyWrite(long guestPhysicalAddress) {
    return new Doorbell(guestPhysicalAddress, OptionalInt.empty());
  }

  /** Writes of 4 bytes with one value; others still reach the bus. */
  public static Doorbell write32(long guestPhysicalAddress, int value) {
    return new Doorbell(guestPhysicalAddress, OptionalInt.of(value));
  }
}
