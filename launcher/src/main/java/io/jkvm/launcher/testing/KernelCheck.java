// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.machine.kernel.KernelConfig;
import io.jkvm.machine.kernel.KernelRequirements;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.kernel.Purpose;
import io.jkvm.machine.report.MachineException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Whether a kernel was built with what a command in a guest needs, as its configuration says. That
 * is found out once, however many runs there are, and beside the first boot, which it would hold
 * up: an image has to be unpacked for it.
 */
final class KernelCheck {
  private final KernelSource kernel;
  private final Supplier<Optional<KernelConfig>> config;
  private final Set<Purpose> purposes;
  private final Predicate<String> hasModule;

  /** Guarded by this. */
  private CompletableFuture<Optional<String>> result;

  /**
   * A check that has not begun.
   *
   * @param config of the kernel, which may take a while
   * @param hasModule whether the guest has a module from the start, by its name
   */
  KernelCheck(
      KernelSource kernel,
      Supplier<Optional<KernelConfig>> config,
      Set<Purpose> purposes,
      Predicate<String> hasModule) {
    this.kernel = kernel;
    this.config = config;
    this.purposes = Set.copyOf(purposes);
    this.hasModule = hasModule;
  }

  /** What the kernel lacks, in a line, or empty; begins to look at the first call. */
  synchronized CompletableFuture<Optional<String>> result() {
    if (result == null) {
      CompletableFuture<Optional<String>> begun = new CompletableFuture<>();
      Thread thread = new Thread(() -> look(begun), "kernel-config");
      thread.setDaemon(true);
      thread.start();
      result = begun;
    }
    return result;
  }

  private void look(CompletableFuture<Optional<String>> answer) {
    try {
      answer.complete(config.get().flatMap(this::complaint));
    } catch (MachineException e) {
      answer.complete(Optional.empty()); // the machine says it better
    } catch (RuntimeException | Error e) {
      answer.completeExceptionally(e); // whoever waits must not do so for ever
    }
  }

  private Optional<String> complaint(KernelConfig config) {
    String missing =
        KernelRequirements.missing(config, purposes, hasModule).stream()
            .filter(KernelRequirements.Missing::isNeeded)
            .map(lack -> lack.options() + " (" + lack.requirement().reason() + ")")
            .collect(Collectors.joining(", "));
    return missing.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "the kernel "
                + kernel.image()
                + " was built without "
                + missing
                + "; 'jkvm test --print-config' prints what it needs");
  }
}
