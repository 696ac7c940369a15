// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

/**
 * The fids of a client by its numbers, which may be any: a table with open addressing, in which
 * nothing is allocated for a search. Not thread-safe.
 */
public final class FidTable {
  private static final int FIRST_PLACES = 64;
  private static final int SPREAD = 0x9e37_79b1;

  private final int limit;
  private Fid[] places = new Fid[FIRST_PLACES];
  private int used;

  FidTable(int limit) {
    this.limit = limit;
  }

  /** How many there are. */
  public int size() {
    return used;
  }

  /** Whether there can't be another one. */
  public boolean isFull() {
    return used >= limit;
  }

  private int home(int number) {
    int hash = number * SPREAD;
    return (hash ^ hash >>> 15) & places.length - 1;
  }

  /** Where a number is, or the empty place where it would be. */
  private int find(int number) {
    int at = home(number);
    while (places[at] != null && places[at].number() != number) {
      at = at + 1 & places.length - 1;
    }
    return at;
  }

  /** The fid of a number; null if there is none. */
  public Fid get(int number) {
    return places[find(number)];
  }

  /** Adds one whose number is not there yet; the table is not full. */
  void add(Fid fid) {
    if (2 * (used + 1) > places.length) {
      grow();
    }
    places[find(fid.number())] = fid;
    used++;
  }

  private void grow() {
    Fid[] all = places;
    places = new Fid[2 * all.length];
    for (Fid fid : all) {
      if (fid != null) {
        places[find(fid.number())] = fid;
      }
    }
  }

  /** Removes one that is there. */
  void remove(Fid fid) {
    int hole = find(fid.number());
    places[hole] = null;
    used--;
    // What was put behind it because the place was taken must be found without it.
    int mask = places.length - 1;
    for (int at = hole + 1 & mask; places[at] != null; at = at + 1 & mask) {
      int distance = at - home(places[at].number()) & mask;
      if (distance >= (at - hole & mask)) {
        places[hole] = places[at];
        places[at] = null;
        hole = at;
      }
    }
  }

  /** A copy of what there is. */
  Fid[] all() {
    Fid[] all = new Fid[used];
    int next = 0;
    for (Fid fid : places) {
      if (fid != null) {
        all[next] = fid;
        next++;
      }
    }
    return all;
  }

  void clear() {
    places = new Fid[FIRST_PLACES];
    used = 0;
  }
}
