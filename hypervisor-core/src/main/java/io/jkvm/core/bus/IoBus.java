// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.bus;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A set of devices at disjoint ranges: port I/O or memory-mapped I/O. Immutable once built, so
 * look-ups take no lock. An access goes to a device only if it fits the range with its whole
 * length; everything else reads as all ones and ignores writes, as on a PC.
 */
public final class IoBus {
  private final long[] starts;
  private final long[] lengths;
  private final BusDevice[] devices;

  private IoBus(List<Entry> entries) {
    starts = entries.stream().mapToLong(e -> e.range.start()).toArray();
    lengths = entries.stream().mapToLong(e -> e.range.length()).toArray();
    devices = entries.stream().map(Entry::device).toArray(BusDevice[]::new);
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Reads {@code size} bytes (1, 2, 4 or 8) at {@code address}; all ones where nothing answers. */
  public long read(long address, int size) {
    int index = find(address, size);
    long value = index < 0 ? -1L : devices[index].read(address - starts[index], size);
    return size == 8 ? value : value & ((1L << (size * 8)) - 1);
  }

  /** Writes the low {@code size} bytes of {@code value}; nothing happens where nothing answers. */
  public void write(long address, int size, long value) {
    int index = find(address, size);
    if (index >= 0) {
      long masked = size == 8 ? value : value & ((1L << (size * 8)) - 1);
      devices[index].write(address - starts[index], size, masked);
    }
  }

  private int find(long address, int size) {
    int low = 0;
    int high = starts.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      long offset = address - starts[middle];
      // An address with the top bit set is above every range, which never reaches that far.
      if (Long.compareUnsigned(address, starts[middle]) < 0) {
        high = middle - 1;
      } else if (Long.compareUnsigned(offset, lengths[middle]) >= 0) {
        low = middle + 1;
      } else {
        return size <= lengths[middle] - offset ? middle : -1;
      }
    }
    return -1;
  }

  private record Entry(AddressRange range, String name, BusDevice device) {}

  /** Collects devices; refuses overlaps at once. */
  public static final class Builder {
    private final List<Entry> entries = new ArrayList<>();

    private Builder() {}

    /**
     * Adds a device.
     *
     * @throws IllegalArgumentException if the range overlaps one that is already taken
     */
    public Builder map(long start, long length, String name, BusDevice device) {
      AddressRange range = new AddressRange(start, length);
      for (Entry other : entries) {
        if (range.overlaps(other.range)) {
          throw new IllegalArgumentException(
              name + " at " + range + " overlaps " + other.name + " at " + other.range);
        }
      }
      entries.add(new Entry(range, name, device));
      return this;
    }

    public IoBus build() {
      entries.sort(Comparator.comparingLong(e -> e.range.start()));
      return new IoBus(entries);
    }
  }
}
