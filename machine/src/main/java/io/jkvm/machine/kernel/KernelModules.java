// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
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
import java.util.SortedSet;
import java.util.stream.Stream;

/**
 * The modules of a kernel, from a directory as {@code make modules_install} and depmod leave it, a
 * package that was unpacked, or a build in place. For one thread at a time.
 */
public final class KernelModules {
  private final Optional<Path> directory;
  private final Optional<String> release;
  private final ModuleIndex index;

  private KernelModules(Optional<Path> directory, Optional<String> release) {
    this.directory = directory;
    this.release = release;
    try {
      index = directory.isPresent() ? new ModuleIndex(directory.get()) : new ModuleIndex();
    } catch (IOException e) {
      throw new MachineException(
          Problem.MODULE_UNREADABLE,
          directory.get().toString(),
          "the modules in " + directory.get() + " can't be read (" + BoundedFiles.reason(e) + ")",
          e);
    }
  }

  /**
   * The modules of a kernel, from the first of {@link KernelSource#moduleDirectories} that has any.
   * If none has, as with a kernel that was built without its modules, there are none but those that
   * are named by their files.
   *
   * @throws MachineException with {@link Problem#MODULE_UNREADABLE} if they can't be read
   */
  public static KernelModules of(KernelSource source) {
    return new KernelModules(
        source.moduleDirectories().stream().filter(ModuleIndex::isThere).findFirst(),
        source.release());
  }

  /** Where they are; empty if there are none. */
  public Optional<Path> directory() {
    return directory;
  }

  /** True if the kernel has the module in itself (modules.builtin). */
  public boolean isBuiltIn(String name) {
    return index.isBuiltIn(KernelModule.normalized(name));
  }

  /** The names of the modules that the kernel has in itself. */
  public SortedSet<String> builtIn() {
    return index.builtIn();
  }

  /**
   * Where an installed kernel has a module, unpacked: its path in the directory of modules.
   *
   * @param module of {@link #resolve}
   */
  public String installedPath(KernelModule module) {
    String file = index.pathOf(module.path()).orElse("extra/" + module.path().getFileName());
    return file.substring(0, file.length() - module.compression().suffix().length()) + ".ko";
  }

  /** True if there is a file of the module, or the kernel has it in itself. */
  public boolean has(String name) {
    return isBuiltIn(name) || index.has(KernelModule.normalized(name));
  }

  /**
   * What to load for some modules.
   *
   * @param modules each once, what it needs before it
   * @param optional the names of those that nobody has to have: the wishes, and what others would
   *     like (soft dependencies)
   * @param absent what has to be there and is not, each as a phrase: "crc16", or "crc16 (needed by
   *     ext4)"
   * @param leftOut why optional ones are not among the modules, one line each
   */
  public record LoadOrder(
      List<KernelModule> modules, Set<String> optional, List<String> absent, List<String> leftOut) {
    /** Takes copies. */
    public LoadOrder {
      modules = List.copyOf(modules);
      optional = Set.copyOf(optional);
      absent = List.copyOf(absent);
      leftOut = List.copyOf(leftOut);
    }
  }

  /**
   * The modules to load, dependencies first. What the kernel has in itself is left out.
   *
   * @param names of modules that have to be there, dashes and underscores alike; a name with a
   *     slash is a file's
   * @param wishes names of modules that are taken, with what they need, if all of that is there;
   *     they come first
   * @throws MachineException with {@link Problem#MODULE_UNREADABLE} or {@link
   *     Problem#MODULE_DAMAGED} if a module that has to be there has to be asked for its
   *     dependencies and can't be
   */
  public LoadOrder resolve(Collection<String> names, Collection<String> wishes) {
    return new Resolution(names, wishes).order();
  }

  /** One walk through the graph of dependencies, which in damaged lists may have circles. */
  private final class Resolution {
    private final Map<String, KernelModule> files = new LinkedHashMap<>();
    private final Map<String, KernelModule> done = new LinkedHashMap<>();
    private final Set<String> begun = new HashSet<>();
    private final Set<String> required = new LinkedHashSet<>();
    private final Set<String> wished = new LinkedHashSet<>();
    private final Set<String> absent = new LinkedHashSet<>();
    private final Set<String> leftOut = new LinkedHashSet<>();

    Resolution(Collection<String> names, Collection<String> wishes) {
      List<String> keys = new ArrayList<>();
      for (String name : names) {
        String key = KernelModule.normalized(name);
        if (name.indexOf('/') >= 0) {
          KernelModule file = KernelModule.of(Path.of(name), release);
          key = file.name();
          files.put(key, file);
        }
        keys.add(key);
      }
      for (String key : keys) {
        close(key, required, absent);
      }
      wishes.stream().map(KernelModule::normalized).forEach(this::wish);
    }

    private void wish(String name) {
      Set<String> all = new LinkedHashSet<>();
      Set<String> lacking = new LinkedHashSet<>();
      try {
        close(name, all, lacking);
      } catch (MachineException e) {
        leftOut.add(e.getMessage());
        return;
      }
      if (lacking.isEmpty()) {
        wished.addAll(all);
      } else if (!lacking.contains(name)) { // that it is not there at all says nothing
        leftOut.add("module " + name + " was left out: no " + String.join(", ", lacking));
      }
    }

    /** Adds a module and all that it needs. */
    private void close(String root, Set<String> there, Set<String> lacking) {
      Deque<String> open = new ArrayDeque<>();
      require(root, root, there, lacking, open);
      while (!open.isEmpty()) {
        String name = open.remove();
        for (String needed : module(name).depends()) {
          require(needed, needed + " (needed by " + name + ")", there, lacking, open);
        }
      }
    }

    private void require(
        String name, String phrase, Set<String> there, Set<String> lacking, Deque<String> open) {
      if (!isThere(name)) {
        if (!index.isBuiltIn(name)) {
          lacking.add(phrase);
        }
      } else if (there.add(name)) {
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
      wished.forEach(this::visit);
      required.forEach(this::visit);
      Set<String> optional = new HashSet<>(done.keySet());
      optional.removeAll(required);
      return new LoadOrder(
          new ArrayList<>(done.values()),
          optional,
          new ArrayList<>(absent),
          new ArrayList<>(leftOut));
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
      if (!isThere(name) || !begun.add(name)) {
        return;
      }
      try {
        KernelModule module = module(name);
        Stream<String> soft =
            files.containsKey(name) ? Stream.empty() : index.softDepends(name).stream();
        path.addLast(
            new Step(module, Stream.concat(module.depends().stream(), soft).toList().iterator()));
      } catch (MachineException e) {
        if (required.contains(name)) {
          throw e;
        }
        leftOut.add(e.getMessage());
      }
    }

    private record Step(KernelModule module, Iterator<String> before) {}
  }
}
