// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.CommandEnd;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How far a run has come: its threads put down here what they know, and the one that decides waits
 * for news. For any thread.
 */
final class RunProgress {
  private final RunClock clock;

  // Guarded by this.
  private boolean news;
  private RunningCommand command;
  private Instant ready;
  private String agentFailure;
  private String setupFailure;
  private boolean synced;
  private boolean interrupted;
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

  synchronized void refuse(String why) {
    refusal = why;
    poke();
  }

  synchronized void agentIsThere() {
    ready = Instant.now();
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

  /** When the agent was there. */
  synchronized Optional<Instant> ready() {
    return Optional.ofNullable(ready);
  }

  private Optional<RunningCommand> command() {
    return Optional.ofNullable(command);
  }

  /** The state of things, after waiting for news or for a time that is over. */
  synchronized RunState awaitNews() throws InterruptedException {
    while (!news) {
      long left = clock.millisecondsLeft();
      if (left <= 0) {
        break;
      }
      wait(left);
    }
    news = false;
    Optional<CommandEnd> finished =
        command().filter(RunningCommand::isDrained).flatMap(RunningCommand::end);
    return new RunState(
        finished,
        synced,
        ready != null,
        Optional.ofNullable(agentFailure).or(() -> command().flatMap(RunningCommand::failure)),
        Optional.ofNullable(refusal).filter(why -> ready == null),
        Optional.ofNullable(setupFailure),
        interrupted);
  }
}
