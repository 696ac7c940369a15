// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A root directory on the host, its own or one that is laid out like it. Links are followed as the
 * kernel does after chroot(2): an absolute one begins at this root, and nothing leads above it.
 */
final class HostRoot {
  /** As Linux (MAXSYMLINKS). */
  static final int MAX_LINKS = 40;

  private final Path root;
  private final Map<GuestPath, Optional<Located>> known = new HashMap<>();
  private Located top;

  HostRoot(Path root) {
    this.root = root;
  }

  /**
   * A link on the way to a file.
   *
   * @param at where it is; no name before its last one is a link
   * @param target what it says, one char for each byte
   */
  record LinkOnTheWay(GuestPath at, String target) {}

  /**
   * A file that is there.
   *
   * @param real its path within the root without links and {@code ..}
   * @param file the same on the host
   * @param links those that were followed, in this order
   */
  record Located(GuestPath real, Path file, HostFiles.Stat stat, List<LinkOnTheWay> links) {}

  /** A place on the way; nothing before it is a link. */
  private static final class Cursor {
    private final List<LinkOnTheWay> links = new ArrayList<>();
    private final Deque<String> pending = new ArrayDeque<>();
    private GuestPath real;
    private Path file;
    private HostFiles.Stat stat;

    void moveTo(Located place) {
      real = place.real;
      file = place.file;
      stat = place.stat;
    }
  }

  /**
   * Follows a path to its end. Directories are remembered: they are not to change meanwhile.
   *
   * @return nothing if there is no such file
   * @throws IOException one line that names the file: a directory may not be searched, or links
   *     lead in a circle
   */
  Optional<Located> locate(GuestPath path) throws IOException {
    if (path.isRoot()) {
      return Optional.of(top(path));
    }
    Optional<Located> parent = known.get(path.parent());
    if (parent == null) {
      parent = locate(path.parent());
      known.put(path.parent(), parent);
    }
    if (parent.isEmpty()) {
      return parent;
    }
    Cursor at = new Cursor();
    at.moveTo(parent.get());
    at.links.addAll(parent.get().links);
    at.pending.add(path.lastName());
    try {
      while (!at.pending.isEmpty()) {
        if (!at.stat.isDirectory()) {
          return Optional.empty();
        }
        step(at, path);
      }
      return Optional.of(new Located(at.real, at.file, at.stat, List.copyOf(at.links)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new IOException(path + " " + HostFiles.reason(e), e);
    }
  }

  private void step(Cursor at, GuestPath path) throws IOException {
    String name = at.pending.poll();
    if (name.equals("..")) {
      at.real = at.real.parent();
      at.file = onHost(at.real);
      at.stat = HostFiles.stat(at.file.toRealPath());
      return;
    }
    Path next = at.file.resolve(HostFiles.name(name));
    HostFiles.Stat found = HostFiles.stat(next);
    if (!found.isLink()) {
      at.real = at.real.append(name);
      at.file = next;
      at.stat = found;
      return;
    }
    if (at.links.size() == MAX_LINKS) {
      throw new FileSystemException(null, null, "too many levels of symbolic links");
    }
    String target = HostFiles.readLink(next);
    at.links.add(new LinkOnTheWay(at.real.append(name), target));
    if (target.startsWith("/")) {
      at.moveTo(top(path));
    }
    List<String> names = GuestPath.split(target);
    for (int i = names.size() - 1; i >= 0; i--) {
      at.pending.push(names.get(i));
    }
  }

  private Located top(GuestPath path) throws IOException {
    if (top == null) {
      try {
        top = new Located(GuestPath.ROOT, root, HostFiles.stat(root.toRealPath()), List.of());
      } catch (IOException e) {
        throw new IOException(path + " " + HostFiles.reason(e), e);
      }
    }
    return top;
  }

  private Path onHost(GuestPath real) {
    Path file = root;
    for (String name : real.names()) {
      file = file.resolve(HostFiles.name(name));
    }
    return file;
  }
}
