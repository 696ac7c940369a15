// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.kernellog.FailOn;
import io.jkvm.machine.kernellog.KernelEventKind;
import io.jkvm.machine.root.KernelShares;
import io.jkvm.machine.root.RootSpec;
import io.jkvm.machine.spec.MachineSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * What {@code jkvm test} is to do.
 *
 * @param name of the test in reports
 * @param kernels images or directories
 * @param machine makes the machine's specification of a kernel's image
 * @param root what the guest's root is made of, for a kernel
 * @param command what runs
 * @param limit of a run, boot included
 * @param stall how long a run may be silent
 * @param failOn what of the kernel's reports is a failure
 * @param log a file for the kernel's log; with several runs each has one of its own
 * @param showLog whether the log goes to standard error too
 * @param fullLog whether the kernel is to print everything, not warnings alone
 * @param kernelTests whether the kernel's log holds test results (KUnit)
 * @param junit a file for a report
 * @param json a file for a report
 * @param repeat how often, 1 or more
 * @param jobs how many at a time, 1 or more
 * @param stopOnFailure whether the first run that fails is the last one
 */
public record TestPlan(
    String name,
    List<Path> kernels,
    Function<Path, MachineSpec> machine,
    Function<KernelShares, RootSpec> root,
    GuestCommand command,
    Optional<Duration> limit,
    Optional<Duration> stall,
    FailOn failOn,
    Optional<Path> log,
    boolean showLog,
    boolean fullLog,
    boolean kernelTests,
    Optional<Path> junit,
    Optional<Path> json,
    int repeat,
    int jobs,
    boolean stopOnFailure) {
  /** So many runs are all that there may be. */
  public static final int MAX_RUNS = 1_000_000;

  /** How many there are. */
  int runs() {
    return kernels.size() * repeat;
  }

  boolean isSingle() {
    return runs() == 1;
  }

  /**
   * Whether the kernel is to print warnings alone: nobody looks at the rest, and each byte of it
   * takes the boot time.
   *
   * @param commandLine what the user adds to the kernel's command line
   */
  boolean quietBoot(String commandLine) {
    boolean wanted =
        fullLog
            || kernelTests
            || stall.isPresent()
            || failOn.includes(KernelEventKind.KMEMLEAK); // reported as mere information
    return !wanted && !commandLine.matches("(?s).*\\b(loglevel=|quiet|debug|ignore_loglevel).*");
  }

  /** The log's file of one of several runs: {@code k.log} becomes {@code k-3.log}. */
  Optional<Path> logOf(int run) {
    if (isSingle() || log.isEmpty()) {
      return log;
    }
    String file = log.get().getFileName().toString();
    int dot = file.lastIndexOf('.');
    String base = dot > 0 ? file.substring(0, dot) : file;
    String end = dot > 0 ? file.substring(dot) : "";
    return Optional.of(log.get().resolveSibling(base + "-" + run + end));
  }
}
