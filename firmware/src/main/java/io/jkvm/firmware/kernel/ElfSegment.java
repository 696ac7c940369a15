// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

/**
 * A loadable segment (ELF-64 program header of type PT_LOAD).
 *
 * @param fileOffset where its bytes are in the ELF
 * @param fileBytes how many the ELF has, at most {@code memoryBytes}
 * @param physicalAddress where it is loaded
 * @param virtualAddress where the kernel maps it later
 * @param memoryBytes its length in memory, more than 0; what the file does not have is zero
 */
public record ElfSegment(
    long fileOffset, long fileBytes, long physicalAddress, long virtualAddress, long memoryBytes)
    implements Comparable<ElfSegment> {
  /** By physical address. */
  @Override
  public int compareTo(ElfSegment other) {
    return Long.compareUnsigned(physicalAddress, other.physicalAddress);
  }

  /** The first guest-physical address after the segment. */
  public long endAddress() {
    return physicalAddress + memoryBytes;
  }

  boolean containsPhysical(long address) {
    return Long.compareUnsigned(address - physicalAddress, memoryBytes) < 0;
  }

  boolean containsVirtual(long address) {
    return Long.compareUnsigned(address - virtualAddress, memoryBytes) < 0;
  }
}
