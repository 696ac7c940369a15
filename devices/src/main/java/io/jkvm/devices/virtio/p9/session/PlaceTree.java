// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.FileTree;

/**
 * The places where fids are, and the directories on the way there. What is held by no fid, and has
 * nothing below it, is forgotten. What the host renames is not heard of: places then are as they
 * were until their names are walked again. Not thread-safe.
 */
public final class PlaceTree {
  /** A longer name counts as so many places more, so that the limit is one of memory. */
  private static final int NAME_UNIT = 64;

  private final FileTree tree;
  private final SessionRoom room;
  private final int limit;
  private final FileAttributes found = new FileAttributes();
  private PlaceNames names;
  private Place root;
  private int count;
  private int used;

  /** The root alone. */
  PlaceTree(FileTree tree, SessionRoom room, int limit) {
    this.tree = tree;
    this.room = room;
    this.limit = limit;
    clear();
  }

  /** Forgets all; the tree's references are given back by the caller. */
  void clear() {
    names = new PlaceNames();
    root = new Place(FileTree.ROOT, FileTree.ROOT, FileMode.DIRECTORY);
    count = 1;
    use(1 - used);
  }

  private void use(int more) {
    used += more;
    room.take(more);
  }

  private static int units(byte[] name) {
    return 1 + (name.length - 1) / NAME_UNIT;
  }

  /** How many places there are, with the root. */
  public int size() {
    return count;
  }

  /** Whether there may be no place for another name. */
  public boolean isFull() {
    return used >= limit || !room.hasMore();
  }

  /**
   * The root, held once more.
   *
   * @param attributes the root's, of which the inode number is taken
   */
  public Place root(FileAttributes attributes) {
    if (root.inode() != attributes.inode && root.holders == 0) {
      root = new Place(FileTree.ROOT, attributes.inode, FileMode.DIRECTORY);
    }
    return hold(root);
  }

  /** The same place, held once more. */
  public Place hold(Place place) {
    place.holders++;
    return place;
  }

  /**
   * The place of a name that was found or made.
   *
   * @param entry whose reference is taken over, or given back
   * @return held once more; null if there can't be more
   */
  public Place enter(Place directory, NativeName name, FileAttributes entry) {
    Place known = names.find(directory, name);
    if (known != null && known.node == entry.node) {
      tree.forget(entry.node, 1);
      return hold(known);
    }
    if (isFull() || !directory.isDirectory()) {
      tree.forget(entry.node, 1);
      return null;
    }
    if (known != null) {
      detach(known);
    }
    Place place = new Place(entry.node, entry.inode, entry.mode);
    attach(place, hold(directory), name.bytes());
    count++;
    use(units(place.name));
    return hold(place);
  }

  private void attach(Place place, Place directory, byte[] name) {
    place.parent = directory;
    place.name = name;
    place.attached = true;
    names.add(place);
  }

  private void detach(Place place) {
    names.remove(place);
    place.attached = false;
  }

  /** Ends one hold. */
  public void release(Place first) {
    Place place = first;
    place.holders--;
    while (place.holders == 0 && place.parent != null) {
      if (place.attached) {
        detach(place);
      }
      count--;
      use(-units(place.name));
      tree.forget(place.node, 1);
      place = place.parent;
      place.holders--;
    }
  }

  /**
   * The name that a place has now, which may be another file's if the host renames meanwhile.
   *
   * @param name receives it
   * @return 0; negated EBUSY of the root, ENOENT of what has lost its name, or the tree's error
   */
  public int findName(Place place, NativeName name) {
    if (place.parent == null) {
      return -Errno.EBUSY;
    }
    if (!place.attached) {
      return -Errno.ENOENT;
    }
    int error = name.setComponent(place.name);
    if (error == 0) {
      error = tree.lookup(place.parent.node, name, found);
    }
    if (error < 0) {
      return error;
    }
    tree.forget(found.node, 1);
    return found.node == place.node ? 0 : -Errno.ENOENT;
  }

  /** A name is gone; its place, if there is one, lives on without it. */
  public void removed(Place directory, NativeName name) {
    Place place = names.find(directory, name);
    if (place != null) {
      detach(place);
    }
  }

  /** A name has become another, which lost what it was the name of. */
  public void renamed(Place directory, NativeName name, Place newDirectory, NativeName newName) {
    Place moved = names.find(directory, name);
    Place replaced = names.find(newDirectory, newName);
    if (moved != null && replaced != null && moved.node == replaced.node) {
      return; // rename(2) does nothing with two names of one file
    }
    if (replaced != null) {
      detach(replaced);
    }
    if (moved == null) {
      return;
    }
    detach(moved);
    byte[] bytes = newName.bytes();
    int more = units(bytes) - units(moved.name);
    if (isBelow(newDirectory, moved) || more > 0 && used + more > limit) {
      // The host has moved something meanwhile, and a circle would never be forgotten; or there is
      // no room for a longer name.
      return;
    }
    use(more);
    attach(moved, hold(newDirectory), bytes);
    release(directory);
  }

  private static boolean isBelow(Place place, Place other) {
    for (Place at = place; at != null; at = at.parent) {
      if (at == other) {
        return true;
      }
    }
    return false;
  }
}
