// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.memory;

import io.jkvm.core.linux.Mapping;

/**
 * A contiguous range of guest RAM and the host memory behind it.
 *
 * @param guestPhysicalAddress first address, a multiple of 1 GiB
 * @param mapping host memory; its length is the region's
 */
public record GuestRegion(long guestPhysicalAddress, Mapping mapping) {
  /** The length in bytes. */
  public long length() {
    return mapping.length();
  }

  /** Whether a range, both numbers unsigned, is wholly inside; one of 0 bytes may not be behind. */
  boolean contains(long address, long bytes) {
    long offset = address - guestPhysicalAddress;
    return Long.compareUnsigned(offset, length()) < 0
        && Long.compareUnsigned(bytes, length() - offset) <= 0;
  }

  /** The first address after the region. */
  public long end() {
    return guestPhysicalAddress + mapping.length();
  }
}
