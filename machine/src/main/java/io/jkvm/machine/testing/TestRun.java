// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.Machine;
import io.jkvm.machine.MachineListener;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.agent.AgentException;
import io.jkvm.machine.agent.GuestAgent;
import io.jkvm.machine.agent.GuestTask;
import io.jkvm.machine.report.MachineException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One run: a machine is booted, a command run in it, and the machine thrown away. For one {@link
 * #run}; {@link #interrupt} and {@link #refuse} may be called by any thread.
 */
public final class TestRun {
  /** How long a guest whose agent is gone may take to stop by itself, as in a power-off. */
  private static final Duration FAREWELL = Duration.ofSeconds(10);

  private final TestSpec spec;
  private final TestStreams streams;
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

  /** Ends it because it can't be done, unless the guest has shown meanwhile that it can. */
  public synchronized void refuse(String why) {
    refusal = why;
    poke();
  }

  private synchronized void poke() {
    news = true;
    notifyAll();
  }

  private void touch() {
    clock.touch();
    poke();
  }

  /**
   * Boots, runs the command, and takes the machine down.
   *
   * @throws MachineException if the machine can't be made
   */
  public TestOutcome run(MachineListener... listeners) throws InterruptedException {
    Instant began = Instant.now();
    LogStreams log = new LogStreams(spec);
    KernelWatch watch;
    Ending ending;
    Duration duration;
    try (Machine machine = Machine.create(spec.machine(), listeners)) {
      log.attach(machine.console());
      watch = new KernelWatch(machine, this::poke);
      watch.start();
      machine.addListener(new Stopped());
      machine.start();
      inThread(machine.name() + "/command", () -> startCommand(machine));
      Judge judge = new Judge(spec, machine, watch);
      ending = awaitEnd(machine, judge);
      duration = Duration.between(began, Instant.now());
      ending = takeDown(machine, watch, judge, ending);
    } finally {
      log.close();
    }
    synchronized (this) {
      log.failure().ifPresent(failures::add);
      failures.addAll(RunningCommand.failures(Optional.ofNullable(command)));
      if (watch.missed() > 0) {
        failures.add(new IOException(watch.missed() + " bytes of the kernel's log were not read"));
      }
      Ending last = ending.afterFailures(failures);
      return new TestOutcome(
          last.end(),
          last.detail(),
          last.commandEnd(),
          watch.complete(),
          last.decisive(),
          watch.tests(last.end()),
          command != null,
          began,
          duration,
          Optional.ofNullable(ready).map(at -> Duration.between(began, at)),
          watch.lastLines(),
          List.copyOf(failures));
    }
  }

  private static void inThread(String name, Runnable body) {
    Thread thread = new Thread(body, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void startCommand(Machine machine) {
    GuestAgent agent = machine.agent();
    try {
      agent.awaitReady();
      synchronized (this) {
        ready = Instant.now();
      }
      touch();
      if (spec.rootDevice().isPresent()) {
        agent.mountRoot(spec.rootDevice().get(), true);
      }
      boolean hasInput = streams.input().isPresent();
      GuestTask started = agent.start(hasInput ? spec.command() : spec.command().withoutInput());
      synchronized (this) {
        command = new RunningCommand(machine.name(), started, streams, this::touch);
      }
    } catch (AgentException e) {
      failed(e.getMessage(), agent);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) { // such as no more threads
      failed(e.toString(), agent);
    }
    poke();
  }

  /** The agent is gone, or it is there and can't do what it is asked to. */
  private synchronized void failed(String why, GuestAgent agent) {
    if (agent.failure().isPresent()) {
      agentFailure = why;
    } else {
      setupFailure = why;
    }
  }

  /** Until the command's end is reported and its output is where it belongs, or all is over. */
  private Ending awaitEnd(Machine machine, Judge judge) throws InterruptedException {
    boolean syncing = false;
    while (true) {
      RunState state = awaitNews();
      Optional<Ending> ending = judge.look(state);
      if (ending.isPresent()) {
        return ending.get();
      }
      if (state.isFinished() && !syncing) {
        syncing = true;
        inThread(machine.name() + "/sync", () -> syncDisks(machine));
      }
    }
  }

  /** The state of things, after waiting for news or for a time that is over. */
  private synchronized RunState awaitNews() throws InterruptedException {
    while (!news) {
      long left = clock.millisecondsLeft();
      if (left <= 0) {
        break;
      }
      wait(left);
    }
    news = false;
    return new RunState(
        Optional.ofNullable(command),
        ready != null,
        Optional.ofNullable(agentFailure),
        Optional.ofNullable(refusal).filter(why -> ready == null),
        Optional.ofNullable(setupFailure),
        interrupted,
        synced,
        clock);
  }

  /** What a command has written to a disk outlives the machine. */
  private void syncDisks(Machine machine) {
    try {
      if (spec.machine().disks().stream().anyMatch(disk -> !disk.readOnly())) {
        machine.agent().sync();
      }
    } catch (AgentException e) {
      synchronized (this) {
        failures.add(e);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (this) {
      synced = true;
    }
    poke();
  }

  private Ending takeDown(Machine machine, KernelWatch watch, Judge judge, Ending ending)
      throws InterruptedException {
    if (ending.agentIsGone()) {
      machine.awaitStop(FAREWELL);
    }
    boolean stoppedByUs =
        machine.stop(new StopReason(StopReason.Kind.REQUESTED, "the run is over"));
    watch.awaitEnd();
    Ending last = judge.refine(ending, stoppedByUs);
    List<Exception> failed = machine.closeAndReport();
    synchronized (this) {
      failures.addAll(failed);
    }
    return last;
  }

  /** Wakes the run when its machine stops. */
  private final class Stopped implements MachineListener {
    @Override
    public void stopped(Machine machine, StopReason reason) {
      poke();
    }
  }
}
