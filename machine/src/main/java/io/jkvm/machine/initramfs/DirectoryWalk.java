// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import io.jkvm.machine.initramfs.EntryTree.Entry;
import io.jkvm.machine.initramfs.EntryTree.Rank;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Takes a directory of the host into an initramfs as it is: modes, owners, times, links, devices.
 * No link is followed. What can't be taken is left out, with a note that names it.
 */
final class DirectoryWalk {
  /** Mounted file systems whose files are not on any medium. */
  private static final Set<String> MADE_UP =
      Set.of(
          "proc",
          "sysfs",
          "devtmpfs",
          "devpts",
          "cgroup",
          "cgroup2",
          "securityfs",
          "debugfs",
          "tracefs",
          "configfs",
          "bpf",
          "pstore",
          "efivarfs",
          "mqueue",
          "hugetlbfs",
          "autofs",
          "binfmt_misc",
          "rpc_pipefs",
          "nsfs",
          "fusectl");

  private final EntryTree tree;
  private final Consumer<String> notes;

  /** A file that was taken. */
  record Taken(Path host, GuestPath guest, HostFiles.Stat stat) {}

  private record Pending(Path host, GuestPath guest, HostFiles.Stat stat) {}

  DirectoryWalk(EntryTree tree, Consumer<String> notes) {
    this.tree = tree;
    this.notes = notes;
  }

  /**
   * Takes a directory with all that is in it.
   *
   * @param host a directory, not a link to one
   * @return its regular files and links, in the order of their names
   * @throws IOException one line that names the file: too large, or in conflict with an entry
   */
  List<Taken> take(Path host, GuestPath guest) throws IOException {
    List<Taken> taken = new ArrayList<>();
    Deque<Pending> pending = new ArrayDeque<>();
    HostFiles.Stat top = stat(host);
    pending.push(new Pending(host, guest, top));
    while (!pending.isEmpty()) {
      Pending next = pending.pop();
      if (!next.stat.isDirectory()) {
        Entry entry = entry(next);
        if (entry != null) {
          tree.put(next.guest, entry, Rank.GIVEN);
          taken.add(new Taken(next.host, next.guest, next.stat));
        }
        continue;
      }
      tree.put(next.guest, new EntryTree.Folder(next.stat.attributes()), Rank.GIVEN);
      List<Path> files = list(next, top.device());
      for (int i = files.size() - 1; i >= 0; i--) {
        Path file = files.get(i);
        pending.push(
            new Pending(file, next.guest.append(HostFiles.raw(file.getFileName())), stat(file)));
      }
    }
    return taken;
  }

  private static HostFiles.Stat stat(Path file) throws IOException {
    try {
      return HostFiles.stat(file);
    } catch (IOException e) {
      throw HostFiles.failure(file, e);
    }
  }

  private List<Path> list(Pending directory, long device) throws IOException {
    List<Path> files = new ArrayList<>();
    if (directory.stat.device() != device) {
      String type = Files.getFileStore(directory.host).type();
      if (MADE_UP.contains(type)) {
        notes.accept(
            HostFiles.show(directory.host) + " is a mounted " + type + ": it was left empty");
        return files;
      }
    }
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory.host)) {
      stream.forEach(files::add);
    } catch (DirectoryIteratorException e) {
      throw HostFiles.failure(directory.host, e.getCause());
    } catch (IOException e) {
      notes.accept(HostFiles.failure(directory.host, e).getMessage() + ": it was left empty");
      return List.of();
    }
    files.sort(Comparator.comparing(file -> HostFiles.raw(file.getFileName())));
    return files;
  }

  /** What a file is in the archive; null, with a note, if it can't be in one. */
  private Entry entry(Pending file) throws IOException {
    HostFiles.Stat stat = file.stat;
    if (stat.isFile()) {
      if (!Files.isReadable(file.host)) {
        notes.accept(HostFiles.show(file.host) + " was left out: permission denied");
        return null;
      }
      CpioWriter.checkSize(file.host, stat.size());
      return new EntryTree.HostFile(stat.attributes(), file.host, stat.size());
    }
    if (stat.isLink()) {
      return new EntryTree.Link(stat.attributes(), HostFiles.readLink(file.host));
    }
    if (stat.isDevice()) {
      return new EntryTree.Device(
          stat.attributes(), stat.isBlockDevice(), stat.major(), stat.minor());
    }
    notes.accept(HostFiles.show(file.host) + " was left out: it is " + stat.typeName());
    return null;
  }
}
