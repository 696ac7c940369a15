// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.bus;

/**
 * A range of port numbers or guest-physical addresses.
 *
 * @param start first address, not negative
 * @param length more than 0
 */
public record AddressRange(long start, long length) {
  public AddressRange {
    if (start < 0 || length <= 0 || start + length < 0) {
      throw new IllegalArgumentException("range " + start + " + " + length);
    }
  }

  /** The first address after the range. */
  public long end() {
    return start + length;
  }

  /** True if the ranges share an address. */
  public boolean overlaps(AddressRange other) {
    return start < other.end() && other.start < end();
  }

  @Override
  public String toString() {
    return "0x" + Long.toHexString(start) + "-0x" + Long.toHexString(end() - 1);
  }
}
