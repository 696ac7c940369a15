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
 * @param limits what ends a run before its command does
 * @param log what becomes of the kernel's log
 * @param reports where they are written
 * @param repetition how many runs there are
 */
public record TestPlan(
    String name,
    List<Path> kernels,
    Function<Path, MachineSpec> machine,
    Function<KernelShares, RootSpec> root,
    GuestCommand command,
    Limits limits,
    Log log,
    Reports reports,
    Repetition repetition) {
  /**
   * What ends a run before its command does, or makes a failure of it.
   *
   * @param time of a run, boot included
   * @param silence how long neither the command nor the kernel may say anything
   * @param failOn what of the kernel's reports is a failure
   */
  public record Limits(Optional<Duration> time, Optional<Duration> silence, FailOn failOn) {}

  /**
   * What becomes of the kernel's log.
   *
   * @param file all of it; with several runs each has one of its own
   * @param isShown whether it goes to standard error too
   * @param hasTests whether it holds test results (KUnit)
   */
  public record Log(Optional<Path> file, boolean isShown, boolean hasTests) {
    /** Whether somebody is to see more than warnings. */
    boolean isRead() {
      return file.isPresent() || isShown || hasTests;
    }
  }

  /**
   * Reports of all runs together.
   *
   * @param junit a file for one as JUnit XML
   * @param json a file for one as JSON
   */
  public record Reports(Optional<Path> junit, Optional<Path> json) {}

  /**
   * How many runs there are.
   *
   * @param times on each kernel, 1 or more
   * @param jobs how many at a time, 1 or more
   * @param endsAtFailure whether no more are begun after the first that fails
   */
  public record Repetition(int times, int jobs, boolean endsAtFailure) {}

  /** So many runs are all that there may be. */
  public static final int MAX_RUNS = 1_000_000;

  /** How many there are. */
  int runs() {
    return kernels.size() * repetition.times();
  }

  boolean isSingle() {
    return runs() == 1;
  }

  /**
   * How much the kernel is to print, as an option for it: warnings alone where nobody looks at the
   * rest, since each byte takes the boot time, else all but what is for debugging, whatever the
   * kernel's own default is.
   *
   * @param commandLine what the user adds to the kernel's command line
   * @return empty if that says how much
   */
  String logLevel(String commandLine) {
    boolean wanted =
        log.isRead()
            || limits.silence().isPresent()
            || limits.failOn().includes(KernelEventKind.KMEMLEAK); // reported as information
    if (commandLine.matches("(?s).*\\b(loglevel=|quiet|debug|ignore_loglevel).*")) {
      return "";
    }
    return wanted ? "loglevel=7" : "loglevel=5";
  }

  /** The log's file of one of several runs: {@code k.log} becomes {@code k-3.log}. */
  Optional<Path> logOf(int run) {
    if (isSingle()) {
      return log.file();
    }
    return log.file().map(file -> new NumberedFile(file).of(run));
  }
}
