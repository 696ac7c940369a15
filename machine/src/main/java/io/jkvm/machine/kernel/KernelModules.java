// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The modules of a kernel, from a directory as {@code make modules_install} and depmod leave it, a
 * package that was unpacked, or a build in place. For one thread at a time.
 */
public final class KernelModules {
  private static final List<String> TOPS = List.of("lib/modules", "usr/lib/modules");

  private final Path directory;
  private final Optional<String> release;
  private final ModuleIndex index;

  private KernelModules(Path directory, Optional<String> release) {
    this.directory = directory;
    this.release = release;
    try {
      index = new ModuleIndex(directory);
    } catch (IOException e) {
      throw new MachineException(
          Problem.MODULE_UNREADABLE,
          directory.toString(),
          "the modules in " + directory + " can't be read (" + BoundedFiles.reason(e) + ")",
          e);
    }
  }

  /**
   * The modules of a kernel, from the first of {@link KernelSource#moduleDirectories} that has any.
   *
   * @return empty if none has, as with a kernel without modules
   * @throws MachineException with {@link Problem#MODULE_UNREADABLE} if they can't be read
   */
  public static Optional<KernelModules> find(KernelSource source) {
    return source.moduleDirectories().stream()
        .filter(ModuleIndex::isThere)
        .findFirst()
        .map(directory -> new KernelModules(directory, source.release()));
  }

  /**
   * The modules in a directory that the user has named: the modules' own, a built tree, or one with
   * {@code lib/modules/RELEASE} in it.
   *
   * @param release of the kernel; if it is not known, the only one there is
   * @throws MachineException with {@link Problem#MODULES_ABSENT}, or {@link
   *     Problem#MODULE_UNREADABLE}
   */
  public static KernelModules open(Path directory, Optional<String> release) {
    if (ModuleIndex.isThere(directory)) {
      return new KernelModules(directory, release);
    }
    List<Path> installed =
        TOPS.stream()
            .map(directory::resolve)
            .flatMap(top -> release.map(it -> Stream.of(top.resolve(it))).orElseGet(() -> in(top)))
            .filter(ModuleIndex::isThere)
            .toList();
    // lib may be a link to usr/lib.
    if (!installed.isEmpty() && (release.isPresent() || names(installed).size() == 1)) {
      return new KernelModules(installed.get(0), release);
    }
    String others =
        TOPS.stream()
            .flatMap(top -> in(directory.resolve(top)))
            .map(path -> path.getFileName().toString())
            .distinct()
            .limit(4)
            .collect(Collectors.joining(", "));
    throw new MachineException(
        Problem.MODULES_ABSENT,
        directory.toString(),
        "directory "
            + directory
            + " has no modules"
            + release.map(it -> " of kernel " + it).orElse(" of one kernel")
            + " (looked for modules.dep, modules.order, lib/modules, usr/lib/modules"
            + (others.isEmpty() ? ")" : "; it has those of " + others + ")"),
        null);
  }

  private static Set<String> names(List<Path> directories) {
    return directories.stream()
        .map(path -> path.getFileName().toString())
        .collect(Collectors.toSet());
  }

  private static Stream<Path> in(Path top) {
    try (Stream<Path> entries = Files.list(top)) {
      return entries.sorted().toList().stream();
    } catch (IOException e) {
      return Stream.empty();
    }
  }

  /** Where they are. */
  public Path directory() {
    return directory;
  }

  /** True if the kernel has the module in itself (modules.builtin). */
  public boolean isBuiltIn(String name) {
    return index.isBuiltIn(KernelModule.normalized(name));
  }

  /** True if there is a file of the module, or the kernel has it in itself. */
  public boolean has(String name) {
    return isBuiltIn(name) || index.has(KernelModule.normalized(name));
  }

  /**
   * What to load for some modules.
   *
   * @param modules each once, what it needs before it
   * @param optional the names of those that are there only because others would like them (soft
   *     dependencies): that the kernel refuses one of them is no error
   * @param absent what was asked for and is not there, and what is needed and is not there, each as
   *     a phrase: "crc16", or "crc16 (needed by ext4)"
   */
  public record LoadOrder(List<KernelModule> modules, Set<String> optional, List<String> absent) {
    /** Takes copies. */
    public LoadOrder {
      modules = List.copyOf(modules);
      optional = Set.copyOf(optional);
      absent = List.copyOf(absent);
    }
  }

  /**
   * The modules to load, dependencies first. What the kernel has in itself is left out.
   *
   * @param names of modules, dashes and underscores alike; a name with a slash is a file's
   * @throws MachineException with {@link Problem#MODULE_UNREADABLE} or {@link
   *     Problem#MODULE_DAMAGED} if a module has to be asked for its dependencies and can't be
   */
  public LoadOrder resolve(Collection<String> names) {
    return new Resolution(names).order();
  }

  /** One walk through the graph of dependencies, which in damaged lists may have circles. */
  private final class Resolution {
    private final Map<String, KernelModule> files = new LinkedHashMap<>();
    private final Map<String, KernelModule> done = new LinkedHashMap<>();
    private final Set<String> begun = new HashSet<>();
    private final Set<String> required = new LinkedHashSet<>();
    private final Set<String> absent = new LinkedHashSet<>();

    Resolution(Collection<String> names) {
      Deque<String> open = new ArrayDeque<>();
      for (String name : names) {
        String key = KernelModule.normalized(name);
        if (name.indexOf('/') >= 0) {
          KernelModule file = KernelModule.of(Path.of(name), release);
          key = file.name();
          files.put(key, file);
        }
        require(key, key, open);
      }
      while (!open.isEmpty()) {
        String name = open.remove();
        for (String needed : module(name).depends()) {
          require(needed, needed + " (needed by " + name + ")", open);
        }
      }
    }

    private void require(String name, String phrase, Deque<String> open) {
      if (!isThere(name)) {
        if (!index.isBuiltIn(name)) {
          absent.add(phrase);
        }
      } else if (required.add(name)) {
        open.add(name);
      }
    }

    private boolean isThere(String name) {
      return files.containsKey(name) || index.has(name) && !index.isBuiltIn(name);
    }

    private KernelModule module(String name) {
      KernelModule file = files.get(name);
      return file != null ? file : index.module(name, release);
    }

    LoadOrder order() {
      for (String name : required) {
        visit(name);
      }
      Set<String> optional = new HashSet<>(done.keySet());
      optional.removeAll(required);
      return new LoadOrder(new ArrayList<>(done.values()), optional, new ArrayList<>(absent));
    }

    /** Depth first, with a stack of our own: a damaged list may be a chain of any length. */
    private void visit(String root) {
      Deque<Step> path = new ArrayDeque<>();
      enter(root, path);
      while (!path.isEmpty()) {
        Step step = path.getLast();
        if (step.before.hasNext()) {
          enter(step.before.next(), path);
        } else {
          path.removeLast();
          done.put(step.module.name(), step.module);
        }
      }
    }

    private void enter(String name, Deque<Step> path) {
      if (isThere(name) && begun.add(name)) {
        KernelModule module = module(name);
        Stream<String> soft =
            files.containsKey(name) ? Stream.empty() : index.softDepends(name).stream();
        path.addLast(
            new Step(module, Stream.concat(module.depends().stream(), soft).toList().iterator()));
      }
    }

    private record Step(KernelModule module, Iterator<String> before) {}
  }
}
