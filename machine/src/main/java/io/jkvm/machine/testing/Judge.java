// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.Machine;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.agent.CommandEnd.How;
import io.jkvm.machine.agent.GuestTask;
import io.jkvm.machine.kernellog.KernelEvent;
import io.jkvm.machine.kernellog.KernelEventKind;
import io.jkvm.machine.results.EndClass;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Decides how a run ended. Nothing counts as passed unless the agent has reported the command's
 * end; what the kernel reported meanwhile counts more than that.
 */
final class Judge {
  /** After a report that is a failure the command has this long to end by itself. */
  private static final Duration AFTER_FAILURE = Duration.ofSeconds(30);

  private static final int SIGKILL = 9;
  private static final int KILLED_STATUS = 137;

  private final TestSpec spec;
  private final Machine machine;
  private final KernelWatch watch;

  Judge(TestSpec spec, Machine machine, KernelWatch watch) {
    this.spec = spec;
    this.machine = machine;
    this.watch = watch;
  }

  /** Waits for news. */
  interface News {
    RunState await(KernelWatch watch) throws InterruptedException;
  }

  /** Waits until the run has ended somehow. */
  Ending await(News news) throws InterruptedException {
    while (true) {
      Optional<Ending> ending = look(news.await(watch));
      if (ending.isPresent()) {
        return ending.get();
      }
    }
  }

  private Optional<Ending> look(RunState state) {
    Optional<CommandEnd> commandEnd = state.task().flatMap(GuestTask::end);
    if (commandEnd.isPresent()) {
      return Optional.of(of(commandEnd.get()));
    }
    Optional<StopReason> stop = machine.stopReason();
    if (stop.isPresent()) {
      return Optional.of(of(stop.get()));
    }
    if (state.interrupted()) {
      return Optional.of(Ending.of(EndClass.INTERRUPTED, "ended by its user"));
    }
    if (state.refusal().isPresent()) {
      return Optional.of(Ending.of(EndClass.SETUP, state.refusal().get()));
    }
    Optional<String> noChannel = watch.noChannel();
    if (noChannel.isPresent() && state.task().isEmpty()) {
      return Optional.of(
          Ending.of(EndClass.SETUP, "the guest can't speak to jkvm: " + noChannel.get()));
    }
    Optional<String> failure = state.agentFailure().or(() -> agentFailure(state.task()));
    if (failure.isPresent()) {
      return Optional.of(Ending.gone(failure.get()));
    }
    Optional<KernelEvent> failed = firstFailure(watch.begun());
    failed.ifPresent(event -> state.clock().shorten(AFTER_FAILURE));
    if (state.clock().isOver()) {
      return Optional.of(
          Ending.of(EndClass.LIMIT, "still running after " + state.clock().limitText()));
    }
    if (state.clock().isStalled()) {
      return Optional.of(
          Ending.of(
              EndClass.STALL,
              "neither the command nor the kernel said anything for " + state.clock().stallText()));
    }
    return Optional.empty();
  }

  private static Optional<String> agentFailure(Optional<GuestTask> task) {
    return task.flatMap(GuestTask::failure);
  }

  private Ending of(CommandEnd end) {
    String text = KernelWatch.printable(end.text());
    return switch (end.how()) {
      case EXITED -> Ending.of(EndClass.EXITED, "status " + end.value(), end);
      case SIGNALLED -> Ending.of(EndClass.SIGNAL, "signal " + end.value(), end);
      case NOT_FOUND, NOT_EXECUTABLE, SETUP_FAILED ->
          Ending.of(EndClass.SETUP, text.isEmpty() ? "errno " + end.value() : text, end);
    };
  }

  private static Ending of(StopReason reason) {
    return switch (reason.kind()) {
      case GUEST_PANIC -> Ending.of(EndClass.PANIC, reason.detail());
      case HOST_FAILURE -> Ending.of(EndClass.SETUP, reason.toString());
      case REQUESTED, HOST_SIGNAL -> Ending.of(EndClass.INTERRUPTED, reason.toString());
      case TIMEOUT -> Ending.of(EndClass.LIMIT, reason.toString());
      default -> Ending.of(EndClass.GONE, reason.toString());
    };
  }

  /** The same, now that the machine has stopped and all of its log is read. */
  Ending refine(Ending ending) {
    if (ending.agentIsGone() && machine.stopReason().isPresent()) {
      StopReason reason = machine.stopReason().get();
      if (reason.kind() != StopReason.Kind.REQUESTED) {
        return refine(of(reason));
      }
    }
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
    return outOfMemory(ending, events);
  }

  private static Ending outOfMemory(Ending ending, List<KernelEvent> events) {
    Optional<CommandEnd> end = ending.commandEnd();
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
    return end.get().outOfMemory() ? Ending.of(EndClass.OUT_OF_MEMORY, detail, end.get()) : ending;
  }

  private Optional<KernelEvent> firstFailure(List<KernelEvent> events) {
    return events.stream()
        .filter(
            event ->
                event.kind() == KernelEventKind.SECOND_BOOT || spec.failOn().includes(event.kind()))
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
