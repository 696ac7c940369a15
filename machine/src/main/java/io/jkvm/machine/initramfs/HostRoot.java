// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * A root directory on the host, its own or one that is laid out like it. Links are followed as the
 * kernel does after chroot(2): an absolute one begins at this root, and nothing leads above it.
 */
final class HostRoot {
  /** As Linux (MAXSYMLINKS). */
  static final int MAX_LINKS = 40;

  private final Path root;

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

  /**
   * Follows a path to its end.
   *
   * @return nothing if there is no such file
   * @throws IOException one line that names the file: a directory may not be searched, or links
   *     lead in a circle
   */
  Optional<Located> locate(GuestPath path) throws IOException {
    Deque<String> pending = new ArrayDeque<>(path.names());
    List<LinkOnTheWay> links = new ArrayList<>();
    GuestPath at = GuestPath.ROOT;
    Path file = root;
    try {
      HostFiles.Stat stat = HostFiles.stat(root.toRealPath());
      while (!pending.isEmpty()) {
        String name = pending.poll();
        if (!stat.isDirectory()) {
          return Optional.empty();
        }
        if (name.equals("..")) {
          at = at.parent();
          file = onHost(at);
          stat = HostFiles.stat(file);
          continue;
        }
        Path next = file.resolve(HostFiles.name(name));
        HostFiles.Stat found = HostFiles.stat(next);
        if (!found.isLink()) {
          at = at.append(name);
          file = next;
          stat = found;
          continue;
        }
        if (links.size() == MAX_LINKS) {
          throw new FileSystemException(null, null, "too many levels of symbolic links");
        }
        String target = HostFiles.readLink(next);
        links.add(new LinkOnTheWay(at.append(name), target));
        if (target.startsWith("/")) {
          at = GuestPath.ROOT;
          file = root;
          stat = HostFiles.stat(root.toRealPath());
        }
        List<String> names = GuestPath.split(target);
        for (int i = names.size() - 1; i >= 0; i--) {
          pending.push(names.get(i));
        }
      }
      return Optional.of(new Located(at, file, stat, links));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new IOException(path + " " + HostFiles.reason(e), e);
    }
  }

  private Path onHost(GuestPath real) {
    Path file = root;
    for (String name : real.names()) {
      file = file.resolve(HostFiles.name(name));
    }
    return file;
  }
}
