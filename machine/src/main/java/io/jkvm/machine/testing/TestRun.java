// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.Machine;
import io.jkvm.machine.MachineListener;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.agent.AgentException;
import io.jkvm.machine.agent.GuestTask;
import io.jkvm.machine.report.MachineException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One run: a machine is booted, a command run in it, and the machine thrown away. For one {@link
 * #run}; {@link #interrupt} may be called by any thread.
 */
public final class TestRun {
  /** What is on its way to a reader who does not read is dropped after this if the run failed. */
  private static final int DRAIN_MILLISECONDS = 2000;

  /** How long a guest whose agent is gone may take to stop by itself, as in a power-off. */
  private static final Duration FAREWELL = Duration.ofSeconds(10);

  private final TestSpec spec;
  private final TestStreams streams;
  private final RunClock clock;
  private final List<StreamPump> pumps = new ArrayList<>();

  // Guarded by this.
  private boolean news;
  private GuestTask task;
  private Instant ready;
  private String agentFailure;
  private boolean interrupted;
  private String refusal;

  /** A run. */
  public TestRun(TestSpec spec, TestStreams streams) {
    this.spec = spec;
    this.streams = streams;
    clock = new RunClock(spec.limit(), spec.stall());
  }

  /** Ends it; it reports what there is. */
  public synchronized void interrupt() {
    interrupted = true;
    poke();
  }

  /** Ends it because it can't be done; it reports that. */
  public synchronized void refuse(String why) {
    refusal = why;
    poke();
  }

  /** The command, once it is started. */
  public synchronized Optional<GuestTask> task() {
    return Optional.ofNullable(task);
  }

  private synchronized void poke() {
    news = true;
    notifyAll();
  }

  /**
   * Boots, runs the command, and takes the machine down.
   *
   * @throws MachineException if the machine can't be made
   */
  public TestOutcome run(MachineListener... listeners) throws InterruptedException {
    Instant began = Instant.now();
    try (LogStreams log = new LogStreams(spec);
        Machine machine = Machine.create(spec.machine(), listeners)) {
      log.attach(machine.console());
      KernelWatch watch = new KernelWatch(machine, this::poke);
      watch.start();
      machine.addListener(new Stopped());
      machine.start();
      Thread starter = new Thread(() -> startCommand(machine), machine.name() + "/command");
      starter.setDaemon(true);
      starter.start();
      Ending ending = new Judge(spec, machine, watch).await(this::awaitNews);
      return takeDown(machine, watch, log, ending, began);
    }
  }

  private void startCommand(Machine machine) {
    try {
      machine.agent().awaitReady();
      synchronized (this) {
        ready = Instant.now();
      }
      if (spec.rootDevice().isPresent()) {
        machine.agent().mountRoot(spec.rootDevice().get(), true);
      }
      boolean hasInput = streams.input().isPresent();
      GuestTask started =
          machine.agent().start(hasInput ? spec.command() : spec.command().withoutInput());
      String name = machine.name();
      synchronized (this) {
        task = started;
        pumps.add(
            StreamPump.output(name + "/stdout", started.output(), streams.output(), clock::touch));
        pumps.add(
            StreamPump.output(name + "/stderr", started.error(), streams.error(), clock::touch));
      }
      streams.input().ifPresent(in -> StreamPump.input(name + "/stdin", in, started.input()));
      started.onEnd(this::poke);
    } catch (AgentException e) {
      synchronized (this) {
        agentFailure = e.getMessage();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    poke();
  }

  /** The state of things, after waiting for news or for a time that is over. */
  private synchronized RunState awaitNews(KernelWatch watch) throws InterruptedException {
    while (!news) {
      long left = clock.millisecondsLeft();
      if (left <= 0) {
        break;
      }
      wait(left);
    }
    news = false;
    if (watch.hasSpoken()) {
      clock.touch();
    }
    return new RunState(
        Optional.ofNullable(task),
        Optional.ofNullable(agentFailure),
        interrupted,
        Optional.ofNullable(refusal),
        clock);
  }

  private TestOutcome takeDown(
      Machine machine, KernelWatch watch, LogStreams log, Ending ending, Instant began)
      throws InterruptedException {
    if (ending.agentIsGone()) {
      machine.awaitStop(FAREWELL);
    }
    Duration duration = Duration.between(began, Instant.now());
    Ending last = ending;
    if (ending.end().isVerdictOfCommand()) {
      joinPumps(0);
      syncDisks(machine);
    }
    machine.stop(new StopReason(StopReason.Kind.REQUESTED, "the run is over"));
    watch.awaitEnd();
    last = new Judge(spec, machine, watch).refine(ending);
    joinPumps(DRAIN_MILLISECONDS);
    List<Exception> failures = new ArrayList<>(machine.closeAndReport());
    log.failure().ifPresent(failures::add);
    synchronized (this) {
      return new TestOutcome(
          last.end(),
          last.detail(),
          last.commandEnd(),
          watch.complete(),
          last.decisive(),
          watch.tests(last.end()),
          task != null,
          began,
          duration,
          Optional.ofNullable(ready).map(at -> Duration.between(began, at)),
          watch.lastLines(),
          failures);
    }
  }

  private void joinPumps(long milliseconds) throws InterruptedException {
    List<StreamPump> running;
    synchronized (this) {
      running = List.copyOf(pumps);
    }
    for (StreamPump pump : running) {
      pump.join(milliseconds);
    }
  }

  /** What a command has written to a disk outlives the machine. */
  private void syncDisks(Machine machine) throws InterruptedException {
    if (spec.machine().disks().stream().allMatch(disk -> disk.readOnly())) {
      return;
    }
    try {
      machine.agent().sync();
    } catch (AgentException e) {
      poke(); // gone between its report and now: the report stands
    }
  }

  /** Wakes the run when its machine stops. */
  private final class Stopped implements MachineListener {
    @Override
    public void stopped(Machine machine, StopReason reason) {
      poke();
    }
  }
}
