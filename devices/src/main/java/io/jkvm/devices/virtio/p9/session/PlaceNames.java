// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import io.jkvm.core.linux.files.NativeName;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Which place a name in a directory is, in one table for all directories: a place that has a name
 * takes no memory but its own and that of the name. Nothing is allocated for a search. Not
 * thread-safe.
 */
final class PlaceNames {
  private static final int FIRST_SLOTS = 64;
  private static final int SPREAD = 0x9e37_79b1;

  /** A guest that chooses names must not know which of them share a slot. */
  private final int seed = ThreadLocalRandom.current().nextInt();

  private final byte[] wanted = new byte[NativeName.NAME_MAX];
  private Place[] slots = new Place[FIRST_SLOTS];
  private int count;

  private int slot(Place directory, byte[] name, int length) {
    int hash = seed ^ Long.hashCode(directory.node);
    for (int i = 0; i < length; i++) {
      hash = (hash ^ name[i]) * SPREAD;
      hash ^= hash >>> 15;
    }
    return hash & slots.length - 1;
  }

  /** The place of a name; null if there is none. */
  Place find(Place directory, NativeName name) {
    int length = name.copyTo(wanted);
    Place place = slots[slot(directory, wanted, length)];
    while (place != null
        && !(place.parent == directory
            && Arrays.equals(place.name, 0, place.name.length, wanted, 0, length))) {
      place = place.next;
    }
    return place;
  }

  /** Adds a place by its parent and its name, which is not there yet. */
  void add(Place place) {
    if (count >= slots.length) {
      grow();
    }
    insert(place);
    count++;
  }

  private void insert(Place place) {
    int slot = slot(place.parent, place.name, place.name.length);
    place.next = slots[slot];
    slots[slot] = place;
  }

  private void grow() {
    Place[] before = slots;
    slots = new Place[2 * before.length];
    for (Place first : before) {
      Place place = first;
      while (place != null) {
        Place next = place.next;
        insert(place);
        place = next;
      }
    }
  }

  /** Removes one that is there. */
  void remove(Place place) {
    int slot = slot(place.parent, place.name, place.name.length);
    if (slots[slot] == place) {
      slots[slot] = place.next;
    } else {
      Place before = slots[slot];
      while (before.next != place) {
        before = before.next;
      }
      before.next = place.next;
    }
    place.next = null;
    count--;
  }
}
