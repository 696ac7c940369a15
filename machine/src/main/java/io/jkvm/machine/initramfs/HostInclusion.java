// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import io.jkvm.machine.initramfs.EntryTree.Entry;
import io.jkvm.machine.initramfs.EntryTree.Rank;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Takes files of the host with what they need: shared libraries and the interpreters of scripts.
 *
 * <p>A file that has the same path in the guest is put there with the links on the way to it, so
 * that programs which ask where they are ({@code $ORIGIN}) get the same answer.
 */
final class HostInclusion {
  private final EntryTree tree;
  private final Consumer<String> notes;
  private final HostRoot root;
  private final SharedLibraries libraries;
  private final String[] searchPath;

  /** Files whose needs are to be met. */
  private final Deque<Need> pending = new ArrayDeque<>();

  private final Set<Need> done = new HashSet<>();

  private final Map<GuestPath, Reached> throughLinks = new LinkedHashMap<>();

  /**
   * A file by the path at which it is looked for, which has links on the way.
   *
   * @param to where it is, without links
   */
  record Reached(GuestPath path, GuestPath to, Rank rank) {}

  /** Both paths without links. */
  private record Need(GuestPath host, GuestPath guest) {}

  HostInclusion(
      EntryTree tree,
      Consumer<String> notes,
      HostRoot root,
      String searchPath,
      String libraryPath) {
    this.tree = tree;
    this.notes = notes;
    this.root = root;
    this.libraries = new SharedLibraries(root, libraryPath);
    this.searchPath = GuestPath.encode(searchPath).split(":");
  }

  /** Takes a file or directory. */
  void include(GuestPath host, GuestPath guest) throws IOException {
    Optional<HostRoot.Located> located = root.locate(host);
    if (located.isEmpty()) {
      throw new IOException(host + " does not exist");
    }
    HostRoot.Located found = located.get();
    if (found.stat().isDirectory()) {
      GuestPath to = host.equals(guest) ? mirrorLinks(host, found) : guest;
      List<DirectoryWalk.Taken> taken = new DirectoryWalk(tree, notes).take(found.file(), to);
      reach(guest, to, Rank.GIVEN);
      for (DirectoryWalk.Taken file : taken) {
        List<String> below =
            file.guest().names().subList(to.names().size(), file.guest().names().size());
        GuestPath onHost = found.real().append(String.join("/", below));
        if (file.stat().isExecutable()) {
          tree.real(file.guest()).ifPresent(real -> needs(onHost, real));
        }
      }
      meetNeeds();
      taken.forEach(this::noteLostLink);
      return;
    }
    place(host, guest, found, Rank.GIVEN);
    meetNeeds();
  }

  /** A link that leads somewhere on the host and nowhere in the guest. */
  private void noteLostLink(DirectoryWalk.Taken file) {
    try {
      if (file.stat().isLink()
          && Files.exists(file.host())
          && tree.findHere(file.guest()).isPresent()
          && tree.find(file.guest()).isEmpty()) {
        notes.accept(
            file.guest()
                + " leads to "
                + GuestPath.show(HostFiles.readLink(file.host()))
                + ", which is not included");
      }
    } catch (IOException e) {
      notes.accept(e.getMessage());
    }
  }

  /** Takes one file; its needs are met later. */
  void place(GuestPath host, GuestPath guest, HostRoot.Located found, Rank rank)
      throws IOException {
    if (!found.stat().isFile()) {
      throw new IOException(
          host + " is " + found.stat().typeName() + ", neither a file nor a directory");
    }
    if (!Files.isReadable(found.file())) {
      throw new IOException(host + " can't be read (permission denied)");
    }
    CpioWriter.checkSize(found.file(), found.stat().size());
    Entry entry =
        new EntryTree.HostFile(found.stat().attributes(), found.file(), found.stat().size());
    GuestPath to = host.equals(guest) ? mirrorLinks(host, found) : guest;
    tree.put(to, entry, rank);
    reach(guest, to, rank);
    Optional<Entry> there = tree.find(guest);
    if (there.isPresent() && !there.get().equals(entry)) {
      notes.accept(guest + " is in the initramfs already: the host's was not packed");
      return;
    }
    tree.real(guest).ifPresent(real -> needs(found.real(), real));
  }

  /** Where the guest has a directory in place of a link on the way, one to the file goes in it. */
  private void reach(GuestPath guest, GuestPath to, Rank rank) throws IOException {
    if (!guest.equals(to) && !guest.names().contains("..")) {
      throughLinks.merge(
          guest, new Reached(guest, to, rank), (a, b) -> a.rank == Rank.GIVEN ? a : b);
    }
    if (!tree.real(guest).equals(tree.real(to))) {
      Entry link = new EntryTree.Link(CpioWriter.Attributes.ofRoot(0777), to.raw());
      tree.put(guest, link, rank);
    }
  }

  private boolean isBelowAnother(Reached reached) {
    GuestPath above = reached.path.parent();
    while (!above.isRoot() && !throughLinks.containsKey(above)) {
      above = above.parent();
    }
    return !above.isRoot();
  }

  /**
   * The files whose path has links on the way: a root that has other links than the host may need
   * some to have them at those paths. None is below another.
   */
  List<Reached> throughLinks() {
    return throughLinks.values().stream().filter(reached -> !isBelowAnother(reached)).toList();
  }

  /** Makes the links on the way to a file, where nothing else is, and gives where it is then. */
  private GuestPath mirrorLinks(GuestPath host, HostRoot.Located found) throws IOException {
    for (HostRoot.LinkOnTheWay link : found.links()) {
      Entry entry = new EntryTree.Link(CpioWriter.Attributes.ofRoot(0777), link.target());
      tree.put(link.at(), entry, Rank.DEPENDENCY);
    }
    // What ".." leaves has to be there too.
    tree.makeFolders(host.parent());
    return found.real();
  }

  private void needs(GuestPath host, GuestPath guest) {
    Need need = new Need(host, guest);
    if (done.add(need)) {
      pending.add(need);
    }
  }

  private void meetNeeds() throws IOException {
    while (!pending.isEmpty()) {
      Need need = pending.poll();
      try {
        SharedLibraries.Closure closure = libraries.of(need.host, need.guest);
        for (SharedLibraries.Library library : closure.libraries()) {
          depend(library.host(), library.guest());
        }
        closure.missing().forEach(missing -> notes.accept(missing.toString()));
      } catch (IOException e) {
        // The kernel will have its own word to say on it.
        notes.accept(e.getMessage());
      }
      Optional<HostRoot.Located> located = root.locate(need.host);
      if (located.isPresent()) {
        Optional<Script> script = Script.read(located.get().file());
        if (script.isPresent()) {
          interpreter(script.get(), need.host);
        }
      }
    }
  }

  private void interpreter(Script script, GuestPath file) throws IOException {
    if (!script.interpreter().startsWith("/")) {
      return;
    }
    GuestPath path = GuestPath.ofRaw(script.interpreter());
    if (!depend(path, path)) {
      notes.accept(path + ", which " + file + " needs, was not found");
    }
    Optional<String> command = script.commandOfEnv();
    if (command.isEmpty()) {
      return;
    }
    for (String directory : searchPath) {
      GuestPath candidate = GuestPath.ofRaw(directory).append(command.get());
      if (directory.startsWith("/") && isProgram(candidate)) {
        depend(candidate, candidate);
        return;
      }
    }
    notes.accept(GuestPath.show(command.get()) + ", which " + file + " needs, was not found");
  }

  private boolean isProgram(GuestPath path) throws IOException {
    Optional<HostRoot.Located> located = root.locate(path);
    return located.isPresent() && located.get().stat().isExecutable();
  }

  /** Takes a file that another needs, unless the guest has one; false if the host has none. */
  private boolean depend(GuestPath host, GuestPath guest) throws IOException {
    Optional<Rank> there = tree.rank(guest);
    if (there.isPresent() && there.get().compareTo(Rank.DEPENDENCY) >= 0) {
      return true;
    }
    Optional<HostRoot.Located> found = root.locate(host);
    if (found.isEmpty() || !found.get().stat().isFile()) {
      return false;
    }
    place(host, guest, found.get(), Rank.DEPENDENCY);
    return true;
  }
}
