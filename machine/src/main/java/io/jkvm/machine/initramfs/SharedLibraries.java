// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the shared libraries that a program needs, and those that they need, as the host's dynamic
 * loader does (ld.so(8)), and says at which paths the guest's will look for them. The program is
 * not run.
 *
 * <p>The guest has no cache of glibc's (/etc/ld.so.cache): a library that the host finds by it is
 * to be in the loader's own directory in the guest.
 *
 * <p>What a program opens by dlopen(3) while it runs is out of scope, since no file tells it: name
 * service modules (libnss_*), PAM, iconv, locales, plug-ins, Python's and Perl's modules, and
 * libgcc_s.so.1, which glibc opens at pthread_cancel(3). So are variants of libraries for newer
 * processors (glibc-hwcaps): the plain ones do for all.
 */
public final class SharedLibraries {
  /** What musl's loader takes for itself (musl, ldso/dynlink.c). */
  private static final List<String> MUSL_OWN =
      List.of("libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet.");

  private final HostRoot root;
  private final LoaderDirectories directories;
  private final List<String> libraryPath;
  private final Map<GuestPath, Optional<ElfFile>> files = new HashMap<>();
  private final Map<String, Loader> loaders = new HashMap<>();
  private List<GuestPath> configured;

  /**
   * A library that was found.
   *
   * @param name by which it is needed, one char for each byte
   * @param host its path on the host; there may be links on the way
   * @param file the same, without links
   * @param guest the path at which the guest's loader looks for it
   */
  public record Library(String name, GuestPath host, Path file, GuestPath guest) {}

  /**
   * A library that was not found.
   *
   * @param name by which it is needed
   * @param neededBy the program or library that needs it
   */
  public record Missing(String name, GuestPath neededBy) {
    @Override
    public String toString() {
      return GuestPath.show(name) + ", which " + neededBy + " needs, was not found";
    }
  }

  /**
   * All that a program needs.
   *
   * @param libraries the loader first, then in the order in which they are needed
   */
  public record Closure(List<Library> libraries, List<Missing> missing) {}

  /** A directory where the loader looks; the two differ by where the program is, or the cache. */
  private record Directory(GuestPath host, GuestPath guest) {}

  private record Loaded(ElfFile elf, GuestPath host, GuestPath guest, Loaded by) {}

  /** The program's loader and where it looks by itself. */
  private record Loader(boolean musl, List<Directory> directories, String lib) {}

  /**
   * Those of this host.
   *
   * @param libraryPath directories as in LD_LIBRARY_PATH, which the guest's loader is to be given
   *     too; may be empty
   */
  public SharedLibraries(String libraryPath) {
    this(new HostRoot(Path.of("/")), libraryPath);
  }

  SharedLibraries(HostRoot root, String libraryPath) {
    this.root = root;
    this.directories = new LoaderDirectories(root);
    this.libraryPath = List.of(GuestPath.encode(libraryPath).split("[:;]"));
  }

  /**
   * What a program needs that has the same path in the guest.
   *
   * @param program on this host
   * @return nothing for a file that is not dynamically linked, or not an ELF file
   * @throws IOException one line that names the file: it is not there, can't be read or is broken
   */
  public Closure of(Path program) throws IOException {
    GuestPath path = GuestPath.of(program);
    Optional<HostRoot.Located> located = root.locate(path);
    if (located.isEmpty()) {
      throw new IOException(HostFiles.show(program) + " does not exist");
    }
    return of(located.get().real(), located.get().real());
  }

  /**
   * What a program needs.
   *
   * @param host the program on the host, without links
   * @param guest its path in the guest, without links
   */
  Closure of(GuestPath host, GuestPath guest) throws IOException {
    List<Library> found = new ArrayList<>();
    List<Missing> missing = new ArrayList<>();
    Optional<ElfFile> program = elf(host);
    if (program.isEmpty()
        || program.get().interpreter().isEmpty() && program.get().needed().isEmpty()) {
      return new Closure(found, missing);
    }
    Set<String> loaded = new HashSet<>();
    String interpreter = program.get().interpreter().orElseGet(() -> usual(program.get()));
    Loader loader = loader(interpreter, program.get());
    GuestPath loaderPath = GuestPath.ofRaw(interpreter);
    loaded.add(interpreter.substring(interpreter.lastIndexOf('/') + 1));
    Optional<HostRoot.Located> ownLoader = there(loaderPath);
    if (ownLoader.isPresent()) {
      found.add(new Library(interpreter, loaderPath, ownLoader.get().file(), loaderPath));
    } else {
      missing.add(new Missing(interpreter, host));
    }
    if (loader.musl) {
      // Without its path file the guest's loader would look elsewhere.
      GuestPath pathFile = LoaderDirectories.muslPathFile(interpreter).orElseThrow();
      there(pathFile)
          .map(located -> new Library(pathFile.lastName(), pathFile, located.file(), pathFile))
          .ifPresent(found::add);
    }
    Deque<Loaded> pending = new ArrayDeque<>();
    pending.add(new Loaded(program.get(), host, guest, null));
    while (!pending.isEmpty()) {
      Loaded one = pending.poll();
      for (String name : one.elf.needed()) {
        if (!loaded.add(name) || loader.musl && MUSL_OWN.stream().anyMatch(name::startsWith)) {
          continue;
        }
        Optional<Library> library = find(name, one, loader);
        if (library.isEmpty()) {
          missing.add(new Missing(name, one.host));
          continue;
        }
        found.add(library.get());
        ElfFile elf = matching(library.get().host, one.elf).orElseThrow();
        elf.soname().ifPresent(loaded::add);
        pending.add(new Loaded(elf, library.get().host, library.get().guest, one));
      }
    }
    return new Closure(List.copyOf(found), List.copyOf(missing));
  }

  /** The loader for a library by itself, which names none. */
  private static String usual(ElfFile file) {
    return file.bits() == 64 ? "/lib64/ld-linux-x86-64.so.2" : "/lib/ld-linux.so.2";
  }

  private Loader loader(String interpreter, ElfFile program) throws IOException {
    String key = interpreter + " " + program.bits() + " " + program.machine();
    Loader known = loaders.get(key);
    if (known == null) {
      known = makeLoader(interpreter, program);
      loaders.put(key, known);
    }
    return known;
  }

  private Loader makeLoader(String interpreter, ElfFile program) throws IOException {
    Optional<GuestPath> pathFile = LoaderDirectories.muslPathFile(interpreter);
    List<Directory> found = new ArrayList<>();
    if (pathFile.isPresent()) {
      directories.musl(pathFile.get()).forEach(path -> found.add(new Directory(path, path)));
      return new Loader(true, found, "lib");
    }
    if (configured == null) {
      configured = directories.configured();
    }
    Set<GuestPath> all = new LinkedHashSet<>(configured);
    all.addAll(LoaderDirectories.builtIn(program));
    GuestPath own =
        there(GuestPath.ofRaw(interpreter))
            .map(located -> located.real().parent())
            .orElse(GuestPath.ofRaw(interpreter).parent());
    all.add(own);
    String lib = own.raw().substring(own.raw().startsWith("/usr/") ? 5 : 1);
    Set<GuestPath> builtIn = new HashSet<>();
    List<GuestPath> certain =
        new ArrayList<>(List.of(GuestPath.ofRaw(lib), GuestPath.ofRaw("usr/" + lib)));
    // Debian's loader has these built in wherever it is: it may be a copy without the link.
    certain.addAll(LoaderDirectories.multiarch(program));
    for (GuestPath path : certain) {
      there(path).ifPresent(located -> builtIn.add(located.real()));
    }
    for (GuestPath path : all) {
      Optional<HostRoot.Located> located = there(path);
      if (located.isPresent()) {
        boolean known = builtIn.contains(located.get().real());
        found.add(new Directory(path, known ? path : own));
      }
    }
    return new Loader(false, found, lib);
  }

  /** A place that can't be looked into is passed over, as the loader does. */
  private Optional<HostRoot.Located> there(GuestPath path) {
    try {
      return root.locate(path);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private Optional<Library> find(String name, Loaded by, Loader loader) throws IOException {
    if (name.indexOf('/') >= 0) {
      GuestPath host = GuestPath.ofRaw(expand(name, by.host, loader));
      GuestPath guest = GuestPath.ofRaw(expand(name, by.guest, loader));
      return library(name, host, guest, by);
    }
    for (Directory directory : search(by, loader)) {
      GuestPath host = directory.host.append(name);
      Optional<Library> found = library(name, host, directory.guest.append(name), by);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  private Optional<Library> library(String name, GuestPath host, GuestPath guest, Loaded by)
      throws IOException {
    if (matching(host, by.elf).isEmpty()) {
      return Optional.empty();
    }
    return there(host).map(located -> new Library(name, host, located.file(), guest));
  }

  /** In the order of ld.so(8); musl differs in trifles. */
  private List<Directory> search(Loaded by, Loader loader) {
    List<Directory> found = new ArrayList<>();
    if (by.elf.runpath().isEmpty()) {
      for (Loaded one = by; one != null; one = one.by) {
        if (one.elf.runpath().isEmpty()) {
          add(found, one.elf.rpath(), one, loader);
        }
      }
    }
    add(found, libraryPath, by, loader);
    add(found, by.elf.runpath(), by, loader);
    found.addAll(loader.directories);
    return found;
  }

  private static void add(List<Directory> to, List<String> paths, Loaded of, Loader loader) {
    for (String path : paths) {
      String host = expand(path, of.host, loader);
      // Others are relative to the directory in which the program is started.
      if (host.startsWith("/")) {
        to.add(
            new Directory(GuestPath.ofRaw(host), GuestPath.ofRaw(expand(path, of.guest, loader))));
      }
    }
  }

  private static String expand(String path, GuestPath of, Loader loader) {
    String origin = of.parent().raw();
    return path.replace("${ORIGIN}", origin)
        .replace("$ORIGIN", origin)
        .replace("${LIB}", loader.lib)
        .replace("$LIB", loader.lib)
        .replace("${PLATFORM}", "x86_64")
        .replace("$PLATFORM", "x86_64");
  }

  /** A library if it is one for the same processor; the loader passes over others too. */
  private Optional<ElfFile> matching(GuestPath path, ElfFile like) throws IOException {
    try {
      return elf(path).filter(elf -> elf.bits() == like.bits() && elf.machine() == like.machine());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private Optional<ElfFile> elf(GuestPath path) throws IOException {
    Optional<HostRoot.Located> located = root.locate(path);
    if (located.isEmpty() || !located.get().stat().isFile()) {
      return Optional.empty();
    }
    GuestPath real = located.get().real();
    Optional<ElfFile> known = files.get(real);
    if (known == null) {
      known = ElfFile.read(located.get().file());
      files.put(real, known);
    }
    return known;
  }
}
