// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.CommandEnd;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * How far a run has come: its threads put down here what they know, and the one that decides waits
 * for news. For any thread.
 */
final class RunProgress {
  /**
   * What is known of a run that goes on.
   *
   * @param finished how the command ended, once its output is where it belongs too
   * @param synced whether what the command has written is on the disks
   * @param agentIsThere whether the agent has spoken
   * @param gone why there is no agent any more
   * @param refusal why it can't be done, as long as the guest has not shown otherwise
   * @param setupFailure what the agent could not do before the command
   * @param interrupted whether the user wants it to end
   */
  record State(
      Optional<CommandEnd> finished,
      boolean synced,
      boolean agentIsThere,
      Optional<String> gone,
      Optional<String> refusal,
      Optional<String> setupFailure,
      boolean interrupted) {}

  private final RunClock clock;

  // Guarded by this.
  private boolean news;
  private RunningCommand command;
  private Long ready;
  private String agentFailure;
  private String setupFailure;
  private boolean synced;
  private boolean interrupted;
  private boolean checked;
  private String refusal;
  private final List<Exception> failures = new ArrayList<>();

  RunProgress(RunClock clock) {
    this.clock = clock;
  }

  /** There may be something new. */
  synchronized void poke() {
    news = true;
    notifyAll();
  }

  /** The guest has said something. */
  void touch() {
    clock.touch();
    poke();
  }

  /** What came from the guest is being given to a reader on the host. */
  void readerWaitedFor() {
    clock.hold();
    poke();
  }

  /** The reader has taken it, or is gone. */
  void readerServed() {
    clock.release();
    poke();
  }

  synchronized void interrupt() {
    interrupted = true;
    poke();
  }

  /**
   * The kernel has been looked at.
   *
   * @param why it can't do, if so
   */
  synchronized void checked(Optional<String> why) {
    checked = true;
    refusal = why.orElse(null);
    poke();
  }

  /**
   * Why the kernel can't do, if so and the guest has not shown otherwise. Waits until it has been
   * looked at; not if the user wants an end, or the time that was asked for is over.
   */
  synchronized Optional<String> awaitRefusal() throws InterruptedException {
    while (!checked && ready == null && !interrupted && !clock.isAskedOver()) {
      wait(HostPauses.LOOK.toMillis());
    }
    return refusal();
  }

  private Optional<String> refusal() {
    return Optional.ofNullable(refusal).filter(why -> ready == null);
  }

  synchronized void agentIsThere() {
    ready = System.nanoTime();
    touch();
  }

  synchronized void started(RunningCommand running) {
    command = running;
    poke();
  }

  /**
   * The command could not be started.
   *
   * @param agentIsGone whether that is because nothing comes from the agent any more
   */
  synchronized void failed(String why, boolean agentIsGone) {
    if (agentIsGone) {
      agentFailure = why;
    } else {
      setupFailure = why;
    }
    poke();
  }

  synchronized void synced() {
    synced = true;
    poke();
  }

  /** The host could not do something, which does not end the run. */
  synchronized void add(Exception failure) {
    failures.add(failure);
  }

  /** What the host could not do, the command's streams included. */
  synchronized List<Exception> failures() {
    List<Exception> all = new ArrayList<>(failures);
    all.addAll(command().map(RunningCommand::failures).orElse(List.of()));
    return List.copyOf(all);
  }

  synchronized boolean hasStarted() {
    return command != null;
  }

  /** When the agent was there, by {@link System#nanoTime}. */
  synchronized Optional<Long> ready() {
    return Optional.ofNullable(ready);
  }

  /**
   * Waits until all that has come from the command is where it was to go, once nothing more comes.
   * Its reader may take its time; but if the user wants an end, or the time that was asked for is
   * over, only a little of it: what it has not taken then is left out, which is a failure.
   *
   * @param little how long that is
   */
  synchronized void awaitOutput(Duration little) throws InterruptedException {
    OptionalLong hurriedAt = OptionalLong.empty();
    while (!isDrained()) {
      if (hurriedAt.isEmpty() && (interrupted || clock.isAskedOver())) {
        hurriedAt = OptionalLong.of(System.nanoTime());
      }
      long left = HostPauses.LOOK.toNanos();
      if (hurriedAt.isPresent()) {
        left = Math.min(left, little.toNanos() - (System.nanoTime() - hurriedAt.getAsLong()));
      }
      if (left <= 0) {
        command.abandonOutput();
        add(new IOException("the end of the command's output is cut: its reader did not take it"));
        return;
      }
      TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, 1_000_000));
    }
  }

  /** Whether nothing of the command's output is to be written any more. */
  synchronized boolean isDrained() {
    return command == null || command.isDrained();
  }

  private Optional<RunningCommand> command() {
    return Optional.ofNullable(command);
  }

  /** The state of things, after waiting for news, for a time that is over, or for a moment. */
  synchronized State awaitNews() throws InterruptedException {
    long left = Math.min(clock.millisecondsLeft(), HostPauses.LOOK.toMillis());
    if (!news && left > 0) {
      wait(left);
    }
    news = false;
    Optional<CommandEnd> finished =
        command().filter(RunningCommand::isDrained).flatMap(RunningCommand::end);
    return new State(
        finished,
        synced,
        ready != null,
        Optional.ofNullable(agentFailure).or(() -> command().flatMap(RunningCommand::failure)),
        refusal(),
        Optional.ofNullable(setupFailure),
        interrupted);
  }
}
