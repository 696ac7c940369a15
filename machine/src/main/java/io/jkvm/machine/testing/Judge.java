// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.StopReason;
import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.agent.CommandEnd.How;
import io.jkvm.machine.kernellog.FailOn;
import io.jkvm.machine.kernellog.KernelEvent;
import io.jkvm.machine.kernellog.KernelEventKind;
import io.jkvm.machine.kernellog.Taint;
import io.jkvm.machine.results.EndClass;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Decides how a run ended. Nothing counts as passed unless the agent has reported the command's
 * end; what the kernel reported meanwhile counts more than that.
 */
final class Judge {
  /** After a report that is a failure the command has this long to end by itself. */
  private static final Duration AFTER_FAILURE = Duration.ofSeconds(30);

  /** A kernel that does not reset after its panic says no more after this. */
  private static final Duration AFTER_PANIC = Duration.ofSeconds(2);

  private static final Set<KernelEventKind> ANY = EnumSet.allOf(KernelEventKind.class);

  private static final List<Sign> SIGNS =
      List.of(
          new Sign(
              "D",
              List.of(KernelEventKind.OOPS),
              EnumSet.of(KernelEventKind.OOPS, KernelEventKind.KERNEL_BUG, KernelEventKind.BUG),
              "an oops"),
          new Sign(
              "L",
              List.of(KernelEventKind.SOFT_LOCKUP),
              EnumSet.of(KernelEventKind.SOFT_LOCKUP),
              "a soft lockup"),
          new Sign(
              "B",
              List.of(KernelEventKind.BUG, KernelEventKind.SANITIZER),
              ANY,
              "a bad page or a sanitizer's report"),
          new Sign("W", List.of(KernelEventKind.WARNING), ANY, "a warning"));

  private static final int SIGKILL = 9;
  private static final int KILLED_STATUS = 137;

  private final FailOn failOn;
  private final RunClock clock;
  private final Supplier<Optional<StopReason>> stopReason;
  private final KernelWatch watch;

  /**
   * The judge of a run.
   *
   * @param failOn reports of the kernel that are failures
   * @param stopReason why the machine stopped, once it has
   */
  Judge(
      FailOn failOn, RunClock clock, Supplier<Optional<StopReason>> stopReason, KernelWatch watch) {
    this.failOn = failOn;
    this.clock = clock;
    this.stopReason = stopReason;
    this.watch = watch;
  }

  /** The end, once there is one. */
  Optional<ProvisionalEnd> look(RunProgress.State state) {
    if (state.finished().isPresent() && state.synced()) {
      return state.finished().map(Judge::of);
    }
    return other(state).map(ending -> behind(ending, state.finished()));
  }

  /** An end that is not the command's, or came behind that while the disks were waited for. */
  private Optional<ProvisionalEnd> other(RunProgress.State state) {
    Optional<StopReason> stop = stopReason.get();
    if (stop.isPresent()) {
      return Optional.of(of(stop.get()));
    }
    if (state.interrupted()) {
      return Optional.of(ProvisionalEnd.of(EndClass.INTERRUPTED, "ended by its user"));
    }
    Optional<String> setup = state.setupFailure().or(state::refusal).or(() -> noChannel(state));
    if (setup.isPresent()) {
      return Optional.of(ProvisionalEnd.of(EndClass.SETUP, setup.get()));
    }
    if (state.gone().isPresent()) {
      return Optional.of(ProvisionalEnd.gone(state.gone().get()));
    }
    return silence(state);
  }

  private Optional<String> noChannel(RunProgress.State state) {
    return watch
        .noChannel()
        .filter(why -> !state.agentIsThere())
        .map(why -> "the guest can't speak to jkvm: " + why);
  }

  private Optional<ProvisionalEnd> silence(RunProgress.State state) {
    if (watch.hasSpoken()) {
      clock.touch();
    }
    List<KernelEvent> begun = watch.begun();
    if (begun.stream().anyMatch(Judge::isPanic)) {
      clock.shorten(AFTER_PANIC);
    } else if (firstFailure(begun).isPresent()) {
      clock.shorten(AFTER_FAILURE);
    }
    boolean isWriting = state.finished().isPresent();
    if (clock.isOver()) {
      String what = isWriting ? "the guest's disks were not written out" : "still running";
      return Optional.of(ProvisionalEnd.of(EndClass.LIMIT, what + " after " + clock.limitText()));
    }
    if (clock.isStalled()) {
      String what =
          isWriting
              ? "the guest has been writing out its disks for "
              : "neither the command nor the kernel said anything for ";
      return Optional.of(ProvisionalEnd.of(EndClass.STALL, what + clock.stallText()));
    }
    return Optional.empty();
  }

  private static ProvisionalEnd behind(ProvisionalEnd ending, Optional<CommandEnd> command) {
    return command.map(end -> ending.behind(end, of(end).detail())).orElse(ending);
  }

  private static ProvisionalEnd of(CommandEnd end) {
    return switch (end.how()) {
      case EXITED -> ProvisionalEnd.of(EndClass.EXITED, "status " + end.value(), end);
      case SIGNALLED -> ProvisionalEnd.of(EndClass.SIGNAL, "signal " + end.value(), end);
      case NOT_FOUND, NOT_EXECUTABLE, SETUP_FAILED ->
          ProvisionalEnd.of(
              EndClass.SETUP, end.text().isEmpty() ? "errno " + end.value() : end.text(), end);
    };
  }

  private static ProvisionalEnd of(StopReason reason) {
    return switch (reason.kind()) {
      case GUEST_PANIC -> ProvisionalEnd.of(EndClass.PANIC, reason.detail());
      case HOST_FAILURE -> ProvisionalEnd.of(EndClass.SETUP, reason.toString());
      case REQUESTED, HOST_SIGNAL -> ProvisionalEnd.of(EndClass.INTERRUPTED, reason.toString());
      case TIMEOUT -> ProvisionalEnd.of(EndClass.LIMIT, reason.toString());
      default -> ProvisionalEnd.of(EndClass.GONE, reason.toString());
    };
  }

  /**
   * The same, now that the machine has stopped and all of its log is read.
   *
   * @param stoppedByUs whether the machine ran until the run was over
   * @param refusal why the kernel can't do; what the guest did for want of that, such as a panic,
   *     is no reason of its own
   */
  ProvisionalEnd refine(ProvisionalEnd ending, boolean stoppedByUs, Optional<String> refusal) {
    ProvisionalEnd known = ending;
    Optional<StopReason> stop = stopReason.get();
    boolean hostFailed = stop.filter(why -> why.kind() == StopReason.Kind.HOST_FAILURE).isPresent();
    if (refusal.isPresent() && !hostFailed && ending.end() != EndClass.INTERRUPTED) {
      return ProvisionalEnd.of(EndClass.SETUP, refusal.get());
    }
    if (!stoppedByUs && stop.isPresent()) {
      known = behind(of(stop.get()), ending.commandEnd());
    }
    return byTheLog(known);
  }

  private ProvisionalEnd byTheLog(ProvisionalEnd ending) {
    List<KernelEvent> events = watch.complete();
    Optional<KernelEvent> panic = events.stream().filter(Judge::isPanic).findFirst();
    if (panic.isPresent()) {
      return ending.because(EndClass.PANIC, panic.get().title(), panic.get());
    }
    Optional<KernelEvent> failed = firstFailure(events);
    if (failed.isPresent() && ending.end() != EndClass.INTERRUPTED) {
      KernelEvent event = failed.get();
      if (event.kind() == KernelEventKind.SECOND_BOOT) {
        return ending.because(EndClass.GONE, "the guest booted a second time", event);
      }
      String after =
          ending.commandEnd().map(end -> "; the command: " + of(end).detail()).orElse("");
      return ending.because(classOf(event.kind()), event.title() + after, event);
    }
    return silentFailure(ending, events).orElseGet(() -> outOfMemory(ending, events));
  }

  /**
   * What the kernel's taint tells of and its log does not, as after a command that lowered the
   * console's log level.
   */
  private Optional<ProvisionalEnd> silentFailure(ProvisionalEnd ending, List<KernelEvent> events) {
    String taint = ending.commandEnd().map(end -> Taint.letters(end.taint())).orElse("");
    if (ending.end() == EndClass.INTERRUPTED) {
      return Optional.empty();
    }
    return SIGNS.stream()
        .filter(sign -> taint.contains(sign.letter))
        .filter(sign -> sign.kinds.stream().anyMatch(failOn::includes))
        .filter(sign -> events.stream().noneMatch(event -> sign.shownBy.contains(event.kind())))
        .findFirst()
        .map(sign -> sign.of(ending));
  }

  /**
   * A letter of the kernel's taint and what it stands for.
   *
   * @param kinds of report that it comes with
   * @param shownBy reports that show why it is there
   */
  private record Sign(
      String letter, List<KernelEventKind> kinds, Set<KernelEventKind> shownBy, String what) {
    ProvisionalEnd of(ProvisionalEnd ending) {
      String detail =
          "the kernel had " + what + ", as its taint says (" + letter + "), and its log does not";
      CommandEnd end = ending.commandEnd().orElseThrow();
      return ProvisionalEnd.of(classOf(kinds.get(0)), detail).behind(end, Judge.of(end).detail());
    }
  }

  private static ProvisionalEnd outOfMemory(ProvisionalEnd ending, List<KernelEvent> events) {
    Optional<CommandEnd> end = ending.commandEnd().filter(any -> ending.end().isVerdictOfCommand());
    boolean killed =
        end.isPresent()
            && (end.get().how() == How.SIGNALLED && end.get().value() == SIGKILL
                || end.get().how() == How.EXITED && end.get().value() == KILLED_STATUS);
    if (!killed) {
      return ending;
    }
    Optional<KernelEvent> kill =
        events.stream().filter(event -> event.kind() == KernelEventKind.OOM_KILL).findFirst();
    String detail = "killed for want of memory (" + ending.detail() + ")";
    if (kill.isPresent()) {
      return ending.because(EndClass.OUT_OF_MEMORY, detail, kill.get());
    }
    return end.get().outOfMemory()
        ? ProvisionalEnd.of(EndClass.OUT_OF_MEMORY, detail, end.get())
        : ending;
  }

  private Optional<KernelEvent> firstFailure(List<KernelEvent> events) {
    return events.stream()
        .filter(
            event -> event.kind() == KernelEventKind.SECOND_BOOT || failOn.includes(event.kind()))
        .findFirst();
  }

  private static boolean isPanic(KernelEvent event) {
    return switch (event.kind()) {
      case PANIC, ROOT_MISSING, NO_INIT -> true;
      default -> false;
    };
  }

  private static EndClass classOf(KernelEventKind kind) {
    return switch (kind) {
      case SOFT_LOCKUP, HARD_LOCKUP, WORKQUEUE_LOCKUP, RCU_STALL, HUNG_TASK -> EndClass.LOCKUP;
      case OOM_KILL -> EndClass.OUT_OF_MEMORY;
      default -> EndClass.OOPS;
    };
  }
}
