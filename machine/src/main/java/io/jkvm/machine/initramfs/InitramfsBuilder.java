// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import io.jkvm.machine.initramfs.CpioWriter.Attributes;
import io.jkvm.machine.initramfs.EntryTree.Entry;
import io.jkvm.machine.initramfs.EntryTree.Rank;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Collects files for an initramfs and writes it as a cpio archive.
 *
 * <p>Directories above an entry are made (0755, root's). A later entry replaces one of the same
 * path. A path below a symbolic link goes where the link leads within the initramfs; with {@code
 * /bin -> usr/bin} in it, {@code /bin/ls} is put into {@code /usr/bin}. A link that replaces a
 * directory takes what is in that to where it leads.
 *
 * <p>Files of the host keep modes, owners and times. Their content is read when the archive is
 * written; what has changed its size till then is an error. Extended attributes (capabilities of
 * files, SELinux labels) and that several names are the same file (hard links) are lost: the format
 * has no room for the former, and each name has its own copy. Names are bytes: those that do not
 * decode in this process' locale are packed as they are.
 *
 * <p>Errors are an {@link IOException} whose message is one line that names the file. The builder
 * is not to be used after one. Not for use by several threads at once.
 */
public final class InitramfsBuilder {
  private static final List<String> USUAL_DIRECTORIES =
      List.of("bin", "dev", "etc", "proc", "run", "sbin", "sys", "usr/bin", "usr/sbin", "var");

  private final EntryTree tree = new EntryTree();
  private final Set<String> notes = new LinkedHashSet<>();
  private final HostRoot root;
  private final HostInclusion inclusion;

  /** With the usual search path, and without directories for libraries of one's own. */
  public InitramfsBuilder() {
    this("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "");
  }

  /**
   * An initramfs without any entry but the root directory.
   *
   * @param searchPath where {@code #!/usr/bin/env} of a script finds its interpreter, as in PATH;
   *     directories that are not absolute are passed over
   * @param libraryPath where programs find their libraries first, as in LD_LIBRARY_PATH; the
   *     programs in the guest need it too. May be empty
   */
  public InitramfsBuilder(String searchPath, String libraryPath) {
    this(new HostRoot(Path.of("/")), searchPath, libraryPath);
  }

  InitramfsBuilder(HostRoot root, String searchPath, String libraryPath) {
    this.root = root;
    this.inclusion = new HostInclusion(tree, notes::add, root, searchPath, libraryPath);
  }

  /**
   * Adds a directory of root's.
   *
   * @param mode permissions, 0 to 07777
   */
  public InitramfsBuilder directory(String path, int mode) throws IOException {
    return put(GuestPath.of(path), new EntryTree.Folder(Attributes.ofRoot(mode)), Rank.GIVEN);
  }

  /** Adds a file of root's with this content. */
  public InitramfsBuilder file(String path, int mode, byte[] content) throws IOException {
    Entry entry = new EntryTree.Content(Attributes.ofRoot(mode), content.clone());
    return put(GuestPath.of(path), entry, Rank.GIVEN);
  }

  /**
   * Adds a symbolic link.
   *
   * @param target as the link is to say it, absolute or relative to where the link is
   */
  public InitramfsBuilder symlink(String path, String target) throws IOException {
    return put(GuestPath.of(path), link(target), Rank.GIVEN);
  }

  private InitramfsBuilder put(GuestPath path, Entry entry, Rank rank) throws IOException {
    tree.put(path, entry, rank);
    return this;
  }

  private static Entry link(String target) {
    return new EntryTree.Link(Attributes.ofRoot(0777), GuestPath.encode(target));
  }

  /**
   * Adds a file or directory of the host at the same path, with the links on the way to it, and
   * what it needs.
   *
   * @see #include(Path, GuestPath)
   */
  public InitramfsBuilder include(Path host) throws IOException {
    GuestPath path = GuestPath.of(host);
    inclusion.include(path, path);
    return this;
  }

  /**
   * Adds a file or directory of the host, and what programs in it need: shared libraries ({@link
   * SharedLibraries}) and the interpreters of scripts, at the paths where they are looked for, but
   * never over a file that was added before. What an interpreter needs besides libraries, such as
   * Python's modules, is not known here. What is missing on the host is in the {@link #notes}.
   *
   * @param host a file, whose links are followed, or a directory, whose links are kept; sockets and
   *     FIFOs in it are left out
   * @param guest where it is to be
   */
  public InitramfsBuilder include(Path host, GuestPath guest) throws IOException {
    inclusion.include(GuestPath.of(host), guest);
    return this;
  }

  /**
   * Adds a file or directory of the host, and what it needs.
   *
   * @param guest where it is to be; after a slash at its end the host's name is added
   * @see #include(Path, GuestPath)
   */
  public InitramfsBuilder include(Path host, String guest) throws IOException {
    GuestPath path = GuestPath.of(guest);
    if (guest.endsWith("/") && host.getFileName() != null) {
      path = path.append(HostFiles.raw(host.getFileName()));
    }
    return include(host, path);
  }

  /**
   * Adds a whole root directory as it is: modes, owners, times, links and devices. Nothing is
   * followed out of it and nothing is added to it. Files that this process may not read, sockets,
   * FIFOs, and what is in a mounted proc or the like are left out, with a note for each.
   */
  public InitramfsBuilder packDirectory(Path directory) throws IOException {
    Path real;
    try {
      real = directory.toRealPath();
    } catch (IOException e) {
      throw HostFiles.failure(directory, e);
    }
    if (!Files.isDirectory(real)) {
      throw new IOException(HostFiles.show(directory) + " is not a directory");
    }
    new DirectoryWalk(tree, notes::add).take(real, GuestPath.ROOT);
    return this;
  }

  /**
   * Adds what programs expect of a root: the usual directories, {@code /bin} and its like as links
   * into {@code /usr} where the host has them so, the first two devices, and a minimal {@code /etc}
   * (passwd, group, hosts). What is there already, or is added later, has precedence.
   */
  public InitramfsBuilder standardLayout() throws IOException {
    for (String name : List.of("bin", "sbin", "lib", "lib64")) {
      Optional<HostRoot.Located> host = root.locate(GuestPath.of(name));
      if (host.isPresent() && !host.get().links().isEmpty()) {
        put(GuestPath.of(name), link("usr/" + name), Rank.FALLBACK);
        fallback(name, new EntryTree.Folder(Attributes.ofRoot(0755)));
      }
    }
    for (String path : USUAL_DIRECTORIES) {
      fallback(path, new EntryTree.Folder(Attributes.ofRoot(0755)));
    }
    fallback("root", new EntryTree.Folder(Attributes.ofRoot(0700)));
    fallback("tmp", new EntryTree.Folder(Attributes.ofRoot(01777)));
    fallback("var/tmp", new EntryTree.Folder(Attributes.ofRoot(01777)));
    fallback("dev/console", new EntryTree.Device(Attributes.ofRoot(0600), false, 5, 1));
    fallback("dev/null", new EntryTree.Device(Attributes.ofRoot(0666), false, 1, 3));
    text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
    text("etc/group", "root:x:0:\nnogroup:x:65534:\n");
    text("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
    return this;
  }

  private void text(String path, String content) throws IOException {
    byte[] bytes = content.getBytes(StandardCharsets.US_ASCII);
    fallback(path, new EntryTree.Content(Attributes.ofRoot(0644), bytes));
  }

  /** A dangling link counts as something: what it leads to may come later. */
  private void fallback(String path, Entry entry) throws IOException {
    GuestPath at = GuestPath.of(path);
    boolean folder = tree.find(at).map(EntryTree.Folder.class::isInstance).orElse(false);
    if (tree.findHere(at).isEmpty() || entry instanceof EntryTree.Folder && folder) {
      put(at, entry, Rank.FALLBACK);
    }
  }

  /**
   * Adds what another builder has, for a root that the guest has of its own, below a directory: in
   * {@code given} what was asked for; in {@code needed} what that needs and the links on the way,
   * where the root has nothing of that name; in {@code given-paths} and {@code paths} links to
   * these, at the paths by which they are looked for if the root has other links on the way.
   *
   * @param other with {@link #include included} files alone
   */
  public InitramfsBuilder carry(String directory, InitramfsBuilder other) throws IOException {
    GuestPath top = GuestPath.of(directory);
    other.tree.visit(
        (name, entry, rank) -> {
          String raw = new String(name, StandardCharsets.ISO_8859_1);
          if (!raw.equals(".")) {
            String layer = rank == Rank.GIVEN ? "given" : "needed";
            put(top.append(layer).append(raw), entry, Rank.GIVEN);
          }
        });
    for (HostInclusion.Reached path : other.inclusion.throughLinks()) {
      String layer = path.rank() == Rank.GIVEN ? "given-paths" : "paths";
      Entry link = new EntryTree.Link(Attributes.ofRoot(0777), path.to().raw());
      put(top.append(layer).append(path.path().raw()), link, Rank.GIVEN);
    }
    notes.addAll(other.notes);
    return this;
  }

  /** What was left out or not found, one line each that names the file, in order. */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /** Whether there is anything at a path, links followed. */
  public boolean has(GuestPath path) throws IOException {
    return tree.find(path).isPresent();
  }

  /** How many bytes the archive will have. */
  public long size() throws IOException {
    AtomicLong size = new AtomicLong();
    tree.visit(
        (name, entry, rank) -> size.addAndGet(CpioWriter.entrySize(name.length, length(entry))));
    return CpioWriter.archiveSize(size.get());
  }

  private static long length(Entry entry) {
    if (entry instanceof EntryTree.HostFile file) {
      return file.size();
    }
    if (entry instanceof EntryTree.Content content) {
      return content.bytes().length;
    }
    return entry instanceof EntryTree.Link link ? link.target().length() : 0;
  }

  /**
   * Writes the archive, of {@link #size} bytes. May be called several times.
   *
   * @param out stays open
   */
  public void write(OutputStream out) throws IOException {
    BufferedOutputStream buffered = new BufferedOutputStream(out, 1 << 16);
    CpioWriter writer = new CpioWriter(buffered);
    tree.visit((name, entry, rank) -> write(writer, name, entry));
    writer.finish();
  }

  private void write(CpioWriter writer, byte[] name, Entry entry) throws IOException {
    Attributes attributes = entry.attributes();
    if (entry instanceof EntryTree.HostFile file) {
      writer.file(name, attributes, file.file(), file.size());
    } else if (entry instanceof EntryTree.Content content) {
      writer.file(name, attributes, content.bytes());
    } else if (entry instanceof EntryTree.Link link) {
      writer.symlink(name, attributes, link.target().getBytes(StandardCharsets.ISO_8859_1));
    } else if (entry instanceof EntryTree.Device device && device.block()) {
      writer.blockDevice(name, attributes, device.major(), device.minor());
    } else if (entry instanceof EntryTree.Device device) {
      writer.characterDevice(name, attributes, device.major(), device.minor());
    } else {
      writer.directory(name, attributes);
    }
  }
}
