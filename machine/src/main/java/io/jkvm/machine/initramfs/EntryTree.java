// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import io.jkvm.machine.initramfs.CpioWriter.Attributes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The files of an initramfs before they are written. A path is resolved among the entries: one
 * below a link goes where the link leads.
 */
final class EntryTree {
  private static final int MAX_NAME = 255;

  /** Whose wish an entry is; one is only replaced by an entry of a higher rank, or both GIVEN. */
  enum Rank {
    /** A directory for what is in it. */
    AUTOMATIC,
    /** There so that something is. */
    FALLBACK,
    /** What a file needs that was given. */
    DEPENDENCY,
    /** Asked for by name, or in a directory that was. */
    GIVEN
  }

  /** What can be at a path. */
  sealed interface Entry {
    /** Owner, permissions and time. */
    Attributes attributes();
  }

  record Folder(Attributes attributes) implements Entry {}

  record Content(Attributes attributes, byte[] bytes) implements Entry {}

  record HostFile(Attributes attributes, Path file, long size) implements Entry {}

  /**
   * A symbolic link.
   *
   * @param target one char for each byte
   */
  record Link(Attributes attributes, String target) implements Entry {}

  record Device(Attributes attributes, boolean block, int major, int minor) implements Entry {}

  private static final class Node {
    Entry entry;
    Rank rank;

    /** By raw names, so in the order of their bytes; empty but for a directory. */
    Map<String, Node> children = new TreeMap<>();

    Node(Entry entry, Rank rank) {
      this.entry = entry;
      this.rank = rank;
    }

    boolean isFolder() {
      return entry instanceof Folder;
    }
  }

  /** Where a path leads: nodes from the root on, and the names of all but the root. */
  private record Place(List<Node> nodes, List<String> names) {
    Node last() {
      return nodes.get(nodes.size() - 1);
    }

    GuestPath path() {
      return GuestPath.ofRaw(String.join("/", names));
    }

    void leave() {
      if (!names.isEmpty()) {
        nodes.remove(nodes.size() - 1);
        names.remove(names.size() - 1);
      }
    }

    void enter(String name, Node node) {
      nodes.add(node);
      names.add(name);
    }
  }

  private final Node root = new Node(automaticFolder(), Rank.AUTOMATIC);

  private static Folder automaticFolder() {
    return new Folder(Attributes.ofRoot(0755));
  }

  /**
   * Puts an entry at a path, with the directories above it.
   *
   * <p>A directory goes to where a link at this path leads. A link takes the place of a directory,
   * whose entries move to where the link leads.
   *
   * @return false if what is there has precedence
   * @throws IOException one line that names the path: something above it is not a directory, it is
   *     a directory that is not empty, links lead in a circle, or it is too long
   */
  boolean put(GuestPath path, Entry entry, Rank rank) throws IOException {
    check(path);
    if (path.isRoot() || path.lastName().equals("..") || entry instanceof Folder) {
      return putFolder(path, entry, rank);
    }
    Node parent = walk(path.parent(), true, true).last();
    Node old = parent.children.get(path.lastName());
    if (old == null) {
      parent.children.put(path.lastName(), new Node(entry, rank));
      return true;
    }
    if (!yields(old.rank, rank)) {
      return false;
    }
    if (old.isFolder() && !old.children.isEmpty() && !(entry instanceof Link)) {
      throw new IOException(path + " is a directory in the initramfs already");
    }
    Map<String, Node> moved = old.children;
    parent.children.put(path.lastName(), new Node(entry, rank));
    move(path, moved);
    return true;
  }

  private static boolean yields(Rank old, Rank wanted) {
    return wanted.compareTo(old) > 0 || wanted == Rank.GIVEN && old == Rank.GIVEN;
  }

  private boolean putFolder(GuestPath path, Entry entry, Rank rank) throws IOException {
    if (!(entry instanceof Folder)) {
      throw new IOException(path + " is a directory in the initramfs already");
    }
    Place there = walk(path, false, true);
    if (there != null && !there.last().isFolder()) {
      // The file goes, or the link to one.
      Node old = walk(path, false, false).last();
      if (!yields(old.rank, rank)) {
        return false;
      }
      old.entry = entry;
      old.rank = rank;
      return true;
    }
    Node folder = walk(path, true, true).last();
    if (yields(folder.rank, rank)) {
      folder.entry = entry;
      folder.rank = rank;
    }
    return true;
  }

  private void move(GuestPath to, Map<String, Node> children) throws IOException {
    for (Map.Entry<String, Node> child : children.entrySet()) {
      GuestPath path = to.append(child.getKey());
      put(path, child.getValue().entry, child.getValue().rank);
      move(path, child.getValue().children);
    }
  }

  private static void check(GuestPath path) throws IOException {
    for (String name : path.names()) {
      if (name.length() > MAX_NAME) {
        throw new IOException(
            GuestPath.show(name.substring(0, 60)) + "... is longer than 255 bytes");
      }
    }
    if (path.raw().length() - 1 > CpioWriter.MAX_NAME) {
      throw new IOException(path.toString().substring(0, 60) + "... is longer than 4095 bytes");
    }
  }

  /** Makes a directory if there is none. */
  void makeFolders(GuestPath path) throws IOException {
    check(path);
    walk(path, true, true);
  }

  /** What is at a path, links followed; nothing if they lead nowhere. */
  Optional<Entry> find(GuestPath path) throws IOException {
    return Optional.ofNullable(walk(path, false, true)).map(place -> place.last().entry);
  }

  /** What is at a path; links above it are followed, one at the path is not. */
  Optional<Entry> findHere(GuestPath path) throws IOException {
    return Optional.ofNullable(walk(path, false, false)).map(place -> place.last().entry);
  }

  /** The rank of what is at a path, links followed. */
  Optional<Rank> rank(GuestPath path) throws IOException {
    return Optional.ofNullable(walk(path, false, true)).map(place -> place.last().rank);
  }

  /** The path without links of what is at a path. */
  Optional<GuestPath> real(GuestPath path) throws IOException {
    return Optional.ofNullable(walk(path, false, true)).map(Place::path);
  }

  /**
   * Follows a path.
   *
   * @param make directories where nothing is
   * @param last whether a link at the end is followed
   * @return null if nothing is there
   */
  private Place walk(GuestPath path, boolean make, boolean last) throws IOException {
    Place at = new Place(new ArrayList<>(List.of(root)), new ArrayList<>());
    Deque<String> pending = new ArrayDeque<>(path.names());
    int links = 0;
    while (!pending.isEmpty()) {
      String name = pending.poll();
      if (!at.last().isFolder()) {
        if (make) {
          throw new IOException(at.path() + " is not a directory in the initramfs");
        }
        return null;
      }
      if (name.equals("..")) {
        at.leave();
        continue;
      }
      Node next = at.last().children.get(name);
      if (next == null) {
        if (!make) {
          return null;
        }
        next = new Node(automaticFolder(), Rank.AUTOMATIC);
        at.last().children.put(name, next);
      }
      if (!(next.entry instanceof Link link) || pending.isEmpty() && !last) {
        at.enter(name, next);
        continue;
      }
      if (++links > HostRoot.MAX_LINKS) {
        if (make) {
          throw new IOException(path + ": too many levels of symbolic links in the initramfs");
        }
        return null;
      }
      while (link.target.startsWith("/") && !at.names.isEmpty()) {
        at.leave();
      }
      List<String> names = GuestPath.split(link.target);
      for (int i = names.size() - 1; i >= 0; i--) {
        pending.push(names.get(i));
      }
    }
    if (make && !at.last().isFolder()) {
      throw new IOException(at.path() + " is not a directory in the initramfs");
    }
    return at;
  }

  /** Takes entries in the order of an archive. */
  interface Visitor {
    /** An entry, by its name relative to the root, {@code .} for the root itself. */
    void visit(byte[] name, Entry entry, Rank rank) throws IOException;
  }

  /** Goes through all entries, a directory before what is in it, names in the order of bytes. */
  void visit(Visitor visitor) throws IOException {
    visitor.visit(new byte[] {'.'}, root.entry, root.rank);
    record Pending(String name, Node node) {}
    Deque<Pending> pending = new ArrayDeque<>();
    pending.push(new Pending("", root));
    while (!pending.isEmpty()) {
      Pending next = pending.pop();
      if (next.node != root) {
        visitor.visit(
            next.name.getBytes(StandardCharsets.ISO_8859_1), next.node.entry, next.node.rank);
      }
      List<Pending> children = new ArrayList<>();
      String prefix = next.name.isEmpty() ? "" : next.name + "/";
      next.node.children.forEach((name, node) -> children.add(new Pending(prefix + name, node)));
      for (int i = children.size() - 1; i >= 0; i--) {
        pending.push(children.get(i));
      }
    }
  }
}
