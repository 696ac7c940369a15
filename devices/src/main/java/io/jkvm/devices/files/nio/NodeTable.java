// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.nio.JavaNode.Location;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The nodes that a guest knows, by number, by what the file system tells them apart by, and by
 * their names. A directory stays as long as something in it is known, so that a file has one node
 * only. For any thread.
 */
final class NodeTable {
  private static final long FNV_OFFSET = 0xcbf2_9ce4_8422_2325L;
  private static final long FNV_PRIME = 0x100_0000_01b3L;

  /** Inode numbers that are not hashes have this bit, the others don't. */
  private static final long SERIAL = 1L << 62;

  private final Path rootPath;
  private final int limit;

  // Guarded by this.
  private final Map<Long, JavaNode> byNumber = new HashMap<>();
  private final Map<Object, JavaNode> byKey = new HashMap<>();
  private final Map<Long, JavaNode> byInode = new HashMap<>();
  private long lastNumber = FileTree.ROOT;

  /** A table with the root alone. */
  NodeTable(Path rootPath, int limit) {
    this.rootPath = rootPath;
    this.limit = limit;
    add(new JavaNode(FileTree.ROOT, FileTree.ROOT, null));
  }

  private void add(JavaNode node) {
    byNumber.put(node.number(), node);
    byInode.put(node.inode(), node);
    if (node.key() != null) {
      byKey.put(node.key(), node);
    }
  }

  /** The node of a number; null if there is none. */
  synchronized JavaNode get(long number) {
    return byNumber.get(number);
  }

  /** How many nodes there are, with the root. */
  synchronized int size() {
    return byNumber.size();
  }

  /** Whether there is no place for another node. */
  synchronized boolean isFull() {
    return byNumber.size() >= limit;
  }

  /** Whether three quarters of the places are taken. */
  synchronized boolean isNearlyFull() {
    return byNumber.size() > limit - limit / 4;
  }

  /** All nodes there are now. */
  synchronized List<JavaNode> all() {
    return List.copyOf(byNumber.values());
  }

  /**
   * The node of a name that was found in the file system, with one more reference.
   *
   * @param key what tells it from others, or null
   * @param mode its type
   * @return null if there can't be more nodes
   */
  synchronized JavaNode refer(JavaNode parent, String name, Object key, int mode) {
    JavaNode node = key == null ? parent.children().get(name) : byKey.get(key);
    if (node != null && node.last().mode != 0 && (node.last().mode ^ mode) >> 12 != 0) {
      forgetKey(node); // its inode is now another file's
      node = null;
    }
    JavaNode before = parent.children().get(name);
    if (before != null && before != node) {
      removeLocation(parent, name);
    }
    if (node == null) {
      if (byNumber.size() >= limit) {
        return null;
      }
      lastNumber++;
      node = new JavaNode(lastNumber, inode(parent, name, key), key);
      add(node);
    }
    parent.children().put(name, node);
    node.locations().add(new Location(parent, name));
    node.references(node.references() + 1);
    return node;
  }

  private void forgetKey(JavaNode node) {
    if (node.key() != null) {
      byKey.remove(node.key(), node);
    }
    for (Location location : List.copyOf(node.locations())) {
      removeLocation(location.parent(), location.name());
    }
  }

  /**
   * An inode number that stays the same when a file is forgotten and found again: by another name
   * of its, too, where the file system tells what it is.
   */
  private long inode(JavaNode parent, String name, Object key) {
    long hash = key == null ? hash(parent, name) : hash(key);
    return byInode.containsKey(hash) ? SERIAL | lastNumber : hash;
  }

  /** The inode number of what a file system tells apart by a key, if no other has it. */
  static long hash(Object key) {
    if (key instanceof JavaAttributes.UnixKey unix) {
      return finish((FNV_OFFSET ^ unix.device()) * FNV_PRIME * FNV_PRIME + unix.inode());
    }
    return finish((FNV_OFFSET ^ key.hashCode()) * FNV_PRIME);
  }

  private static long hash(JavaNode parent, String name) {
    long hash = FNV_OFFSET ^ parent.inode();
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ b & 0xff) * FNV_PRIME;
    }
    return finish(hash);
  }

  private static long finish(long hash) {
    return Math.max((hash ^ hash >>> 29) & SERIAL - 1, 2);
  }

  /**
   * The inode number of a name that may not be known.
   *
   * @param hash of its key; 0 if it has none
   */
  synchronized long inodeOf(JavaNode parent, String name, long hash) {
    JavaNode node = parent.children().get(name);
    if (node != null) {
      return node.inode();
    }
    return hash == 0 ? hash(parent, name) : hash;
  }

  /** The node of a name, if it is known. */
  synchronized JavaNode child(JavaNode parent, String name) {
    return parent.children().get(name);
  }

  /** A name is gone. */
  synchronized void removeLocation(JavaNode parent, String name) {
    JavaNode node = parent.children().remove(name);
    if (node != null) {
      node.locations().remove(new Location(parent, name));
      node.last().links = Math.max(node.last().links - 1, 0);
      dropIfUnknown(node);
      dropIfUnknown(parent);
    }
  }

  /** A name has become another, whose node, if there was one, lost it. */
  synchronized void move(JavaNode parent, String name, JavaNode newParent, String newName) {
    JavaNode node = parent.children().get(name);
    if (node != null && newParent.children().get(newName) == node) {
      return; // rename(2) does nothing with two names of one file
    }
    removeLocation(newParent, newName);
    if (node != null) {
      parent.children().remove(name);
      node.locations().remove(new Location(parent, name));
      newParent.children().put(newName, node);
      node.locations().add(new Location(newParent, newName));
      dropIfUnknown(parent);
    }
  }

  /** Takes references away; the count is unsigned. */
  synchronized void forget(long number, long count) {
    JavaNode node = byNumber.get(number);
    if (node == null || number == FileTree.ROOT) {
      return;
    }
    boolean all = Long.compareUnsigned(count, node.references()) >= 0;
    node.references(all ? 0 : node.references() - count);
    dropIfUnknown(node);
  }

  private void dropIfUnknown(JavaNode first) {
    JavaNode node = first;
    while (node.references() == 0
        && node.children().isEmpty()
        && node.number() != FileTree.ROOT
        && byNumber.remove(node.number(), node)) {
      byInode.remove(node.inode(), node);
      if (node.key() != null) {
        byKey.remove(node.key(), node);
      }
      List<Location> locations = new ArrayList<>(node.locations());
      node.locations().clear();
      JavaNode next = node;
      for (Location location : locations) {
        location.parent().children().remove(location.name(), node);
        if (next != node) {
          dropIfUnknown(next);
        }
        next = location.parent();
      }
      node = next;
    }
  }

  /** Takes all references away. */
  synchronized void clear() {
    JavaNode root = byNumber.get(FileTree.ROOT);
    byNumber.clear();
    byKey.clear();
    byInode.clear();
    root.children().clear();
    add(root);
  }

  /** Where a node is, by one of its names; null if it has none any more. */
  synchronized Path path(JavaNode node) {
    List<String> names = new ArrayList<>();
    JavaNode at = node;
    while (at.number() != FileTree.ROOT) {
      if (at.locations().isEmpty()) {
        return null;
      }
      Location location = at.locations().iterator().next();
      names.add(location.name());
      at = location.parent();
    }
    Path path = rootPath;
    for (int i = names.size() - 1; i >= 0; i--) {
      path = path.resolve(names.get(i));
    }
    return path;
  }

  /** Remembers what a node was like when its attributes were read. */
  synchronized void remember(JavaNode node, FileAttributes attributes) {
    node.last().copy(attributes);
  }

  /** What a node was like. */
  synchronized void recall(JavaNode node, FileAttributes into) {
    into.copy(node.last());
  }
}
