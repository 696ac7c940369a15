// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.switching;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Which port an Ethernet address was last seen at: at most {@link #CAPACITY} addresses, each
 * forgotten {@link #AGE_SECONDS} after its last frame (the ageing time of IEEE 802.1Q, 8.8.3).
 *
 * <p>Lookups and refreshed addresses take no lock, new ones a short one. A guest that sends from
 * ever new addresses replaces those of whichever port has the most, thus its own.
 */
final class AddressTable {
  static final int CAPACITY = 4096;
  static final int AGE_SECONDS = 300;

  private static final int WAYS = 8;
  private static final long MULTICAST = 1L << 40;

  private final AtomicReferenceArray<Entry> entries = new AtomicReferenceArray<>(CAPACITY);

  private static final class Entry {
    final long address;
    final SwitchPort port;
    // Written without ordering: an old value only ages the address a little too soon.
    long seenSecond;

    Entry(long address, SwitchPort port, long second) {
      this.address = address;
      this.port = port;
      this.seenSecond = second;
    }
  }

  /**
   * The port of an address.
   *
   * @param second the present time in seconds of any clock that does not go back
   * @return null if it is not known
   */
  SwitchPort find(long address, long second) {
    Entry entry = entry(address);
    return entry != null && isAlive(entry, second) ? entry.port : null;
  }

  /** Remembers that an address was seen at a port, unless it is a group's or none. */
  void learn(long address, SwitchPort port, long second) {
    if ((address & MULTICAST) != 0 || address == 0) {
      return;
    }
    Entry known = entry(address);
    if (known == null || known.port != port) {
      replace(address, port, second);
    } else if (known.seenSecond != second) {
      known.seenSecond = second;
    }
  }

  /** Forgets all addresses of a port, which must learn no more. */
  synchronized void forget(SwitchPort port) {
    for (int i = 0; i < CAPACITY; i++) {
      Entry entry = entries.get(i);
      if (entry != null && entry.port == port) {
        put(i, null);
      }
    }
  }

  /** How many addresses are known, forgotten ones that nobody replaced yet included. */
  synchronized int size() {
    int size = 0;
    for (int i = 0; i < CAPACITY; i++) {
      size += entries.get(i) == null ? 0 : 1;
    }
    return size;
  }

  private Entry entry(long address) {
    int first = firstWay(address);
    for (int i = first; i < first + WAYS; i++) {
      Entry entry = entries.get(i);
      if (entry != null && entry.address == address) {
        return entry;
      }
    }
    return null;
  }

  private synchronized void replace(long address, SwitchPort port, long second) {
    if (!port.isOpen()) {
      return;
    }
    int first = firstWay(address);
    int place = -1;
    for (int i = first; i < first + WAYS; i++) {
      Entry entry = entries.get(i);
      if (entry != null && entry.address == address) {
        put(i, new Entry(address, port, second));
        return;
      }
      if (place < 0 || isBetterToLose(entry, entries.get(place), second)) {
        place = i;
      }
    }
    Entry lost = entries.get(place);
    if (lost == null || !isAlive(lost, second) || lost.port.learned >= port.learned) {
      put(place, new Entry(address, port, second));
    }
  }

  private static boolean isBetterToLose(Entry entry, Entry than, long second) {
    if (than == null || !isAlive(than, second)) {
      return false;
    }
    return entry == null
        || !isAlive(entry, second)
        || entry.port.learned > than.port.learned
        || entry.port.learned == than.port.learned && entry.seenSecond < than.seenSecond;
  }

  private void put(int index, Entry entry) {
    Entry old = entries.getAndSet(index, entry);
    if (old != null) {
      old.port.learned--;
    }
    if (entry != null) {
      entry.port.learned++;
    }
  }

  private static boolean isAlive(Entry entry, long second) {
    return second - entry.seenSecond < AGE_SECONDS;
  }

  private static int firstWay(long address) {
    long mixed = address * 0x9e3779b97f4a7c15L;
    return (int) (mixed >>> 48) % (CAPACITY / WAYS) * WAYS;
  }
}
