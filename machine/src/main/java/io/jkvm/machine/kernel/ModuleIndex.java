// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Which modules a directory has, and what they need: by depmod's lists (modules.dep(5)) where they
 * are; else by the files of a package that was unpacked but never installed, or by the list that a
 * build makes, and what each module says of itself. Names are normalized.
 */
final class ModuleIndex {
  private static final int MAX_MODULES = 100_000;
  private static final int MAX_DEPTH = 16;

  private final Path directory;
  private final Map<String, Path> files = new HashMap<>();

  /** By name; null where a module has to be asked itself. */
  private final Map<String, List<String>> depends;

  private final Map<String, List<String>> softDepends = new HashMap<>();
  private final Map<String, List<String>> aliases = new HashMap<>();
  private final SortedSet<String> builtIn = new TreeSet<>();

  /** What modules said of themselves, so that each is asked once. */
  private final Map<String, ModuleInfo> asked = new HashMap<>();

  /** One without any module. */
  ModuleIndex() {
    directory = Path.of("/");
    depends = new HashMap<>();
  }

  /** Reads the lists of a directory. */
  ModuleIndex(Path directory) throws IOException {
    this.directory = directory.toAbsolutePath().normalize();
    if (Files.isRegularFile(directory.resolve("modules.dep"))) {
      depends = new HashMap<>();
      readDependencies();
      readSoftDependencies();
      readAliases();
    } else {
      depends = null;
      if (isBuildTree(directory)) {
        readOrder();
      } else {
        walk();
      }
    }
    for (String line : BoundedFiles.lines(directory.resolve("modules.builtin"))) {
      KernelModule.nameOf(line.strip()).ifPresent(builtIn::add);
    }
  }

  /** True for the directory of an installed kernel's modules, or of a build with modules. */
  static boolean isThere(Path directory) {
    return Files.isRegularFile(directory.resolve("modules.dep"))
        || Files.isRegularFile(directory.resolve("modules.order"))
        || Files.isRegularFile(directory.resolve("modules.builtin"));
  }

  private static boolean isBuildTree(Path directory) {
    return Files.exists(directory.resolve(".config"))
        || Files.exists(directory.resolve("include/config"));
  }

  /** modules.dep: "a.ko: b.ko c.ko" where a needs b and b needs c. */
  private void readDependencies() throws IOException {
    for (String line : BoundedFiles.lines(directory.resolve("modules.dep"))) {
      int colon = line.indexOf(':');
      Optional<String> name =
          colon < 0 ? Optional.empty() : KernelModule.nameOf(line.substring(0, colon));
      if (name.isPresent() && add(line.substring(0, colon))) {
        List<String> names = new ArrayList<>();
        for (String file : line.substring(colon + 1).strip().split("\\s+")) {
          KernelModule.nameOf(file).ifPresent(names::add);
        }
        depends.put(name.get(), List.copyOf(names));
      }
    }
  }

  /** modules.softdep: "softdep NAME pre: A B post: C". */
  private void readSoftDependencies() throws IOException {
    for (String line : BoundedFiles.lines(directory.resolve("modules.softdep"))) {
      String[] words = line.strip().split("\\s+", 3);
      if (words.length == 3 && words[0].equals("softdep")) {
        softDepends
            .computeIfAbsent(KernelModule.normalized(words[1]), name -> new ArrayList<>())
            .addAll(ModuleInfo.before(words[2]));
      }
    }
  }

  /** modules.alias: "alias PATTERN NAME"; the patterns of devices are of no use here. */
  private void readAliases() throws IOException {
    for (String line : BoundedFiles.lines(directory.resolve("modules.alias"))) {
      String[] words = line.strip().split("\\s+");
      if (words.length == 3 && words[0].equals("alias") && words[1].indexOf('*') < 0) {
        aliases
            .computeIfAbsent(KernelModule.normalized(words[1]), name -> new ArrayList<>())
            .add(KernelModule.normalized(words[2]));
      }
    }
  }

  /** modules.order of a build: the files in place; older kernels write kernel/ before the path. */
  private void readOrder() throws IOException {
    for (String line : BoundedFiles.lines(directory.resolve("modules.order"))) {
      String file = line.strip().replaceFirst("^kernel/", "").replaceFirst("\\.o$", ".ko");
      if (KernelModule.nameOf(file).isPresent() && Files.isRegularFile(directory.resolve(file))) {
        add(file);
      }
    }
  }

  private void walk() throws IOException {
    try (Stream<Path> tree = Files.walk(directory, MAX_DEPTH)) {
      tree.filter(file -> KernelModule.nameOf(file.toString()).isPresent())
          .filter(Files::isRegularFile)
          .forEach(file -> add(directory.relativize(file).toString()));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** Adds a file by its path in the directory; false if that leads out of it. */
  private boolean add(String file) {
    Path path = directory.resolve(file).normalize();
    if (!path.startsWith(directory) || files.size() >= MAX_MODULES) {
      return false;
    }
    KernelModule.nameOf(file).ifPresent(name -> files.put(name, path));
    return true;
  }

  SortedSet<String> builtIn() {
    return Collections.unmodifiableSortedSet(builtIn);
  }

  /** Where an installed kernel has one of these files; empty for another file. */
  Optional<String> pathOf(Path file) {
    if (!files.containsValue(file)) {
      return Optional.empty();
    }
    String path = directory.relativize(file).toString();
    return Optional.of(isBuildTree(directory) ? "kernel/" + path : path);
  }

  boolean isBuiltIn(String name) {
    return builtIn.contains(name);
  }

  boolean has(String name) {
    return files.containsKey(name);
  }

  /** A module that the directory has. */
  KernelModule module(String name, Optional<String> release) {
    Path file = files.get(name);
    List<String> needed = depends == null ? info(name).depends() : depends.get(name);
    ModuleCompression compression = KernelModule.compressionOf(file.toString());
    return new KernelModule(
        name, file, needed.stream().map(KernelModule::normalized).toList(), compression, release);
  }

  /** What should be loaded before a module if it is there, as names of modules. */
  List<String> softDepends(String name) {
    List<String> names =
        depends == null ? info(name).softDepends() : softDepends.getOrDefault(name, List.of());
    return names.stream()
        .map(KernelModule::normalized)
        .flatMap(it -> has(it) ? Stream.of(it) : aliases.getOrDefault(it, List.of()).stream())
        .filter(this::has)
        .distinct()
        .toList();
  }

  private ModuleInfo info(String name) {
    return asked.computeIfAbsent(name, it -> KernelModule.info(files.get(it)));
  }
}
