// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Something that a kernel must or should have.
 *
 * @param purposes who needs it
 * @param level how badly
 * @param alternatives any one of these will do; of each, all options are needed. The first is the
 *     best
 * @param reason what it is for, or what is missed without: a phrase
 */
public record KernelRequirement(
    Set<Purpose> purposes, Level level, List<List<Option>> alternatives, String reason) {
  /** How badly something is needed. */
  public enum Level {
    /** The purpose can't be met without. */
    NEEDED,
    /** Something is missed without, which the reason says. */
    RECOMMENDED
  }

  /**
   * An option of Kconfig.
   *
   * @param name without the prefix {@code CONFIG_}
   * @param module what {@code =m} builds; empty where the option can't be a module, or is of no use
   *     as one
   * @param prompts the options that have to be on for this one to be asked for, outermost first.
   *     Where it is set they are, so they matter only to who writes a configuration
   */
  public record Option(String name, Optional<String> module, List<String> prompts) {
    /** Takes a copy of the list. */
    public Option {
      prompts = List.copyOf(prompts);
    }

    /** An option that can't be a module. */
    static Option builtIn(String name, String... prompts) {
      return new Option(name, Optional.empty(), List.of(prompts));
    }

    /** An option that a module will do for. */
    static Option orModule(String name, String module, String... prompts) {
      return new Option(name, Optional.of(module), List.of(prompts));
    }

    boolean isMet(KernelConfig config, Predicate<String> moduleAvailable) {
      return config.isBuiltIn(name)
          || config.isModule(name) && module.filter(moduleAvailable).isPresent();
    }

    /** As in a configuration, with how it is there where that is not enough. */
    String describe(KernelConfig config) {
      if (!config.isModule(name)) {
        return "CONFIG_" + name;
      }
      String why = module.map(it -> "module " + it + " was not found").orElse("a module won't do");
      return "CONFIG_" + name + " (is m, and " + why + ")";
    }
  }

  /** Takes copies. */
  public KernelRequirement {
    purposes = Set.copyOf(purposes);
    alternatives = alternatives.stream().map(List::copyOf).toList();
  }

  /**
   * True if a kernel has it.
   *
   * @param moduleAvailable tells if a module of this name can be loaded in time
   */
  public boolean isMet(KernelConfig config, Predicate<String> moduleAvailable) {
    return alternatives.stream()
        .anyMatch(all -> all.stream().allMatch(it -> it.isMet(config, moduleAvailable)));
  }

  /**
   * What a kernel lacks, by the options' full names: "CONFIG_9P_FS and CONFIG_NET_9P_VIRTIO".
   * Alternatives are joined by "or"; what of an alternative is there is left out.
   */
  public String lacking(KernelConfig config, Predicate<String> moduleAvailable) {
    return alternatives.stream()
        .map(
            all ->
                all.stream()
                    .filter(it -> !it.isMet(config, moduleAvailable))
                    .map(it -> it.describe(config))
                    .collect(Collectors.joining(" and ")))
        .collect(Collectors.joining(" or "));
  }
}
