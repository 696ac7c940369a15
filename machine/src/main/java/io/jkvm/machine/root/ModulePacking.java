// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import io.jkvm.machine.initramfs.GuestPath;
import io.jkvm.machine.initramfs.InitramfsBuilder;
import io.jkvm.machine.kernel.KernelModule;
import io.jkvm.machine.kernel.KernelModules;
import io.jkvm.machine.kernel.KernelModules.LoadOrder;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Puts a kernel's modules into an initramfs: those that the agent loads at the start. They are at
 * the usual places, with the lists that modprobe(8) goes by, so that a command can load them again,
 * and the kernel by itself.
 */
final class ModulePacking {
  /** Where the agent looks: docs/agent-protocol.md, "As init". */
  private static final String LOADED = "/.jkvm/modules/";

  private final KernelSource kernel;
  private final KernelModules modules;
  private final InitramfsBuilder builder;
  private final String top;
  private final Map<String, Packed> packed = new LinkedHashMap<>();

  /** A module in the guest, by its path in the directory of its kernel's modules. */
  private record Packed(KernelModule module, String path, List<String> aliases) {}

  /**
   * For an initramfs that has all other files.
   *
   * @param top where in it the root is that a command sees: empty, or a directory
   */
  ModulePacking(KernelSource kernel, InitramfsBuilder builder, String top) {
    this.kernel = kernel;
    this.builder = builder;
    this.top = top;
    modules = KernelModules.of(kernel);
  }

  /**
   * Packs modules and what they need.
   *
   * @param names of modules, or their files, that have to be there
   * @param wishes names of modules that are of use if they are there
   * @return why wishes were left out, one line each
   * @throws MachineException about a module that has to be there
   */
  List<String> pack(Collection<String> names, Collection<String> wishes) throws IOException {
    LoadOrder order = modules.resolve(names, wishes);
    if (!order.absent().isEmpty()) {
      throw absent(order.absent());
    }
    List<String> notes = new ArrayList<>(order.leftOut());
    Optional<String> place = place();
    Set<String> unusable = new HashSet<>();
    for (KernelModule module : order.modules()) {
      if (module.depends().stream().anyMatch(unusable::contains)) {
        unusable.add(module.name());
        continue;
      }
      try {
        add(module, module.read(), place);
      } catch (MachineException e) {
        if (!order.optional().contains(module.name())) {
          throw e;
        }
        unusable.add(module.name());
        notes.add(e.getMessage());
      }
    }
    if (place.isPresent() && !packed.isEmpty()) {
      addLists(place.get());
    }
    return notes;
  }

  private MachineException absent(List<String> phrases) {
    String names = String.join(", ", phrases);
    return new MachineException(
        Problem.MODULES_ABSENT,
        modules
            .directory()
            .map(directory -> directory + " does not have the module " + names)
            .orElse(
                "there are no modules for "
                    + kernel.image()
                    + " at "
                    + kernel.moduleDirectories()
                    + ", and so not "
                    + names));
  }

  /** The directory that modprobe looks into, unless the root brings lists of its own. */
  private Optional<String> place() throws IOException {
    if (kernel.release().isEmpty()) {
      return Optional.empty();
    }
    String directory = top + "/lib/modules/" + kernel.release().get();
    return builder.has(GuestPath.of(directory + "/modules.dep"))
        ? Optional.empty()
        : Optional.of(directory);
  }

  private void add(KernelModule module, byte[] elf, Optional<String> place) throws IOException {
    String link = LOADED + String.format("%03d-%s.ko", packed.size(), module.name());
    String path = modules.installedPath(module);
    if (place.isPresent()) {
      String file = place.get() + "/" + path;
      builder.file(file, 0644, elf).symlink(link, file);
    } else {
      builder.file(link, 0644, elf);
    }
    packed.put(module.name(), new Packed(module, path, KernelModule.aliases(elf)));
  }

  /** What depmod(8) writes, of these modules alone: for kmod and, as text, for busybox. */
  private void addLists(String place) throws IOException {
    StringBuilder dependencies = new StringBuilder();
    StringBuilder aliases = new StringBuilder();
    StringBuilder builtIn = new StringBuilder();
    KmodIndex dependencyIndex = new KmodIndex();
    KmodIndex aliasIndex = new KmodIndex();
    KmodIndex builtInIndex = new KmodIndex();
    for (Packed each : packed.values()) {
      String line = each.path + ":" + needs(each);
      dependencies.append(line).append('\n');
      dependencyIndex.add(each.module.name(), line);
      for (String alias : each.aliases) {
        aliases.append("alias ").append(alias).append(' ').append(each.module.name()).append('\n');
        aliasIndex.add(alias, each.module.name());
      }
    }
    for (String name : modules.builtIn()) {
      builtIn.append("kernel/").append(name).append(".ko\n");
      builtInIndex.add(name, "");
    }
    text(place + "/modules.dep", dependencies);
    text(place + "/modules.alias", aliases);
    text(place + "/modules.builtin", builtIn);
    builder.file(place + "/modules.dep.bin", 0644, dependencyIndex.bytes());
    builder.file(place + "/modules.alias.bin", 0644, aliasIndex.bytes());
    builder.file(place + "/modules.builtin.bin", 0644, builtInIndex.bytes());
    for (String other : List.of("symbols", "builtin.alias")) {
      builder.file(place + "/modules." + other + ".bin", 0644, new KmodIndex().bytes());
    }
  }

  private void text(String path, StringBuilder text) throws IOException {
    builder.file(path, 0644, text.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** The paths of all that a module needs: what is loaded first comes last. */
  private String needs(Packed wanted) {
    Set<String> all = new HashSet<>(wanted.module.depends());
    List<Packed> before = new ArrayList<>();
    for (Packed each : packed.values()) {
      if (each == wanted) {
        break;
      }
      before.add(0, each);
    }
    StringBuilder paths = new StringBuilder();
    for (Packed each : before) {
      if (all.contains(each.module.name())) {
        paths.append(' ').append(each.path);
        all.addAll(each.module.depends());
      }
    }
    return paths.toString();
  }

  /** Whether the guest has the module: here, or in its kernel. */
  boolean has(String name) {
    return packed.containsKey(name) || modules.isBuiltIn(name);
  }
}
