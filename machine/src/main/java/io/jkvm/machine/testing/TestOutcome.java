// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.kernellog.KernelEvent;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.TestCase;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How a run ended.
 *
 * @param end the sort of end
 * @param detail one line for a person, which may quote the guest; control characters are replaced
 * @param commandEnd what the agent reported of the command, if it came so far
 * @param events what the kernel reported, equal ones once
 * @param decisive the report that decided, if one did
 * @param kernelTests what the kernel's log tells of tests (KUnit)
 * @param commandStarted whether the command was started
 * @param began when the run began
 * @param duration from then to the end
 * @param boot from then until the agent was there
 * @param lastLines the last lines of the kernel's log; none where it had no part in the end, as
 *     with a command that is not there
 * @param failures what the host could not do at the end, such as the last flush of a disk
 */
public record TestOutcome(
    EndClass end,
    String detail,
    Optional<CommandEnd> commandEnd,
    List<KernelEvent> events,
    Optional<KernelEvent> decisive,
    List<TestCase> kernelTests,
    boolean commandStarted,
    Instant began,
    Duration duration,
    Optional<Duration> boot,
    List<String> lastLines,
    List<Exception> failures) {
  /** What jkvm could not set up, as containers have it. */
  public static final int SETUP = 125;

  /** The time limit, as timeout(1) has it. */
  public static final int LIMIT = 124;

  /** Ended by the user, as a shell has it for SIGINT. */
  public static final int INTERRUPTED = 130;

  /** The kernel panicked. */
  public static final int PANIC = 201;

  /** The kernel reported an oops, a BUG or what else was to be a failure. */
  public static final int OOPS = 202;

  /** A CPU or RCU hung. */
  public static final int LOCKUP = 203;

  /** Silence for too long. */
  public static final int STALL = 204;

  /** The OOM killer took the command. */
  public static final int OUT_OF_MEMORY = 205;

  /** The guest is gone, or its agent. */
  public static final int GONE = 206;

  /** One number for the end: the command's own, or one that says what came between. */
  public int status() {
    return switch (end) {
      case EXITED, SIGNAL -> commandEnd.map(CommandEnd::shellStatus).orElse(GONE);
      case SETUP ->
          commandEnd.filter(TestOutcome::neverRan).map(CommandEnd::shellStatus).orElse(SETUP);
      case LIMIT -> LIMIT;
      case INTERRUPTED -> INTERRUPTED;
      case PANIC -> PANIC;
      case OOPS -> OOPS;
      case LOCKUP -> LOCKUP;
      case STALL -> STALL;
      case OUT_OF_MEMORY -> OUT_OF_MEMORY;
      case GONE -> GONE;
    };
  }

  /** The same run, of whose output the host has lost something. */
  public TestOutcome withLoss(String why) {
    return new TestOutcome(
        EndClass.SETUP,
        why + "; but for that: " + end.word() + ", status " + status() + ": " + detail,
        commandEnd,
        events,
        decisive,
        kernelTests,
        commandStarted,
        began,
        duration,
        boot,
        lastLines,
        failures);
  }

  private static boolean neverRan(CommandEnd end) {
    return switch (end.how()) {
      case EXITED, SIGNALLED -> false;
      case NOT_FOUND, NOT_EXECUTABLE, SETUP_FAILED -> true;
    };
  }
}
