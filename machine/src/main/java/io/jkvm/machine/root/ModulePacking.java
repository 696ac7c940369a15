// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import io.jkvm.machine.initramfs.InitramfsBuilder;
import io.jkvm.machine.kernel.KernelModule;
import io.jkvm.machine.kernel.KernelModules;
import io.jkvm.machine.kernel.KernelModules.LoadOrder;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Puts a kernel's modules into an initramfs: those that the agent loads at the start. */
final class ModulePacking {
  /** Where the agent looks: docs/agent-protocol.md, "As init". */
  private static final String LOADED = "/.jkvm/modules/";

  private final KernelSource kernel;
  private final KernelModules modules;
  private final InitramfsBuilder builder;
  private final Set<String> packed = new HashSet<>();

  ModulePacking(KernelSource kernel, InitramfsBuilder builder) {
    this.kernel = kernel;
    this.builder = builder;
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
    Set<String> unusable = new HashSet<>();
    for (KernelModule module : order.modules()) {
      if (module.depends().stream().anyMatch(unusable::contains)) {
        unusable.add(module.name());
        continue;
      }
      try {
        add(module, module.read());
      } catch (MachineException e) {
        if (!order.optional().contains(module.name())) {
          throw e;
        }
        unusable.add(module.name());
        notes.add(e.getMessage());
      }
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

  private void add(KernelModule module, byte[] elf) throws IOException {
    builder.file(
        LOADED + String.format("%03d-%s.ko", packed.size(), module.name()), 0644, elf);
    packed.add(module.name());
  }

  /** Whether the guest has the module: here, or in its kernel. */
  boolean has(String name) {
    return packed.contains(name) || modules.isBuiltIn(name);
  }
}
