// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.core.linux.Errno;
import io.jkvm.machine.Machine;
import io.jkvm.machine.MachineListener;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.agent.AgentException;
import io.jkvm.machine.agent.GuestAgent;
import io.jkvm.machine.agent.GuestMounts;
import io.jkvm.machine.agent.GuestTask;
import io.jkvm.machine.assembly.Host;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.results.EndClass;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run: a machine is booted, a command run in it, and the machine thrown away. For one {@link
 * #run}; {@link #interrupt} may be called by any thread.
 */
public final class TestRun {
  private static final Logger LOG = LoggerFactory.getLogger(TestRun.class);

  /** ENOSPC, EDQUOT, EIO, EFBIG: of the files, and not of the agent. */
  private static final Set<Long> NOT_WRITTEN =
      Set.of((long) Errno.ENOSPC, (long) Errno.EDQUOT, (long) Errno.EIO, (long) Errno.EFBIG);

  /** How long a guest whose agent is gone may take to stop by itself, as in a power-off. */
  private static final Duration FAREWELL = Duration.ofSeconds(10);

  /** What a reader of the output still has where the time or the user has ended the run. */
  private static final Duration LAST_OUTPUT = Duration.ofSeconds(2);

  /** Starts the command of a run. */
  @FunctionalInterface
  public interface Starter {
    /**
     * Called once, on a thread of its own, when the agent is there and the root is in its place.
     *
     * @return the command; its output is copied to the run's streams
     * @throws AgentException why it can't be
     */
    GuestTask start(Machine machine) throws AgentException, InterruptedException;
  }

  private final TestSpec spec;
  private final TestStreams streams;
  private final Starter starter;
  private final RunClock clock;
  private final RunProgress progress;

  /** The kernel could not mount what the command was to have, and may say why. */
  private volatile boolean mountRefused;

  /** A run. */
  public TestRun(TestSpec spec, TestStreams streams) {
    this(spec, streams, CompletableFuture.completedFuture(Optional.empty()));
  }

  /**
   * A run of a kernel that is looked at meanwhile.
   *
   * @param check why the kernel can't do it, if so. That is the end's reason, unless the agent has
   *     shown otherwise; a guest that ends before its agent is there is judged when it is known
   */
  public TestRun(TestSpec spec, TestStreams streams, CompletableFuture<Optional<String>> check) {
    this(spec, streams, check, machine -> start(machine, spec, streams));
  }

  /**
   * The same for a command that needs more than streams, such as a terminal.
   *
   * @param streams with an input, if it is to be copied too
   */
  public TestRun(
      TestSpec spec,
      TestStreams streams,
      CompletableFuture<Optional<String>> check,
      Starter starter) {
    this.spec = spec;
    this.streams = streams;
    this.starter = starter;
    clock = new RunClock(spec.limit(), spec.stall());
    progress = new RunProgress(clock);
    check.whenComplete((why, e) -> progress.checked(e == null ? why : Optional.empty()));
  }

  /** Ends it; it reports what there is. */
  public void interrupt() {
    progress.interrupt();
  }

  /**
   * Boots, runs the command, and takes the machine down.
   *
   * @throws MachineException if the machine can't be made
   */
  public TestOutcome run(MachineListener... listeners) throws InterruptedException {
    return run(new Host(), listeners);
  }

  /**
   * The same on a host that other runs have, too.
   *
   * @throws MachineException if the machine can't be made
   */
  public TestOutcome run(Host host, MachineListener... listeners) throws InterruptedException {
    Instant began = Instant.now();
    long beganNanos = System.nanoTime(); // whatever becomes of the host's clock meanwhile
    LogStreams log = new LogStreams(spec);
    KernelWatch watch = new KernelWatch(progress::poke);
    ProvisionalEnd ending;
    Duration duration;
    try (Machine machine = Machine.create(spec.machine(), host, listeners)) {
      log.attach(machine.console());
      watch.start(machine);
      machine.addListener(new Stopped());
      machine.start();
      Thread command = inThread(machine.name() + "/command", () -> startCommand(machine));
      Judge judge = new Judge(spec.failOn(), clock, machine::stopReason, watch);
      ending = awaitEnd(machine, judge, log, new HostPauses());
      duration = Duration.ofNanos(System.nanoTime() - beganNanos);
      ending = takeDown(machine, watch, command, judge, ending);
    } finally {
      log.close();
    }
    log.failure().ifPresent(progress::add);
    if (watch.missed() > 0) {
      progress.add(new IOException(watch.missed() + " bytes of the kernel's log were not read"));
    }
    List<Exception> failures = progress.failures();
    ProvisionalEnd last = ending.afterFailures(failures);
    return new TestOutcome(
        last.end(),
        last.detail(),
        last.commandEnd(),
        watch.complete(),
        last.decisive(),
        watch.tests(last.end()),
        progress.hasStarted(),
        began,
        duration,
        progress.ready().map(at -> Duration.ofNanos(at - beganNanos)),
        lastLines(watch, last),
        failures);
  }

  /** A reason of the host's, or of the agent's for the command, says all there is. */
  private List<String> lastLines(KernelWatch watch, ProvisionalEnd last) {
    boolean kernelHadNoPart = last.end() == EndClass.SETUP && !mountRefused;
    return kernelHadNoPart ? List.of() : watch.lastLines();
  }

  private static Thread inThread(String name, Runnable body) {
    Thread thread = new Thread(body, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private void startCommand(Machine machine) {
    GuestAgent agent = machine.agent();
    try {
      agent.awaitReady();
      progress.agentIsThere();
      mount(agent);
      GuestTask started = starter.start(machine);
      progress.started(new RunningCommand(machine.name(), started, streams, progress));
    } catch (AgentException e) {
      failed(e.getMessage(), agent);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) { // such as no more threads
      failed(e.toString(), agent);
    }
  }

  private static GuestTask start(Machine machine, TestSpec spec, TestStreams streams)
      throws AgentException, InterruptedException {
    boolean hasInput = streams.input().isPresent();
    return machine.agent().start(hasInput ? spec.command() : spec.command().withoutInput());
  }

  private void mount(GuestAgent agent) throws AgentException, InterruptedException {
    try {
      if (spec.mounts().root().isPresent()) {
        agent.mountRoot(spec.mounts().root().get(), true);
      }
      for (GuestMounts.Mount mount : spec.mounts().others()) {
        agent.mount(mount);
      }
    } catch (AgentException e) {
      mountRefused = true;
      throw e;
    }
  }

  /** The agent is gone, or is none of ours, or is there and can't do what it is asked to. */
  private void failed(String why, GuestAgent agent) {
    progress.failed(why, agent.failure().isPresent() && !agent.isRefused());
  }

  /** Until the command's end is reported and its output is where it belongs, or all is over. */
  private ProvisionalEnd awaitEnd(Machine machine, Judge judge, LogStreams log, HostPauses pauses)
      throws InterruptedException {
    boolean syncing = false;
    while (true) {
      RunProgress.State state = progress.awaitNews();
      HostPauses.Look look = pauses.look();
      clock.excuse(look.late());
      if (look.clockWasSet()) {
        HostPauses.setClock(machine.name(), machine.agent());
      }
      if (log.isFull()) {
        clock.touch(); // the guest waits for the log's reader
      }
      Optional<ProvisionalEnd> ending = judge.look(state);
      if (ending.isPresent()) {
        return ending.get();
      }
      if (state.finished().isPresent() && !syncing) {
        syncing = true;
        inThread(machine.name() + "/sync", () -> syncDisks(machine));
      }
    }
  }

  /** What a command has written to a disk or a share outlives the machine. */
  private void syncDisks(Machine machine) {
    try {
      if (spec.machine().disks().stream().anyMatch(disk -> !disk.readOnly())
          || spec.machine().shares().stream().anyMatch(share -> !share.readOnly())) {
        machine.agent().sync();
      }
    } catch (AgentException e) {
      syncFailed(machine, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    progress.synced();
  }

  /**
   * What the guest could not write to a share may be what the command has heard of and dealt with:
   * all but mapped files goes there at once. To a disk of the guest's all goes late.
   */
  private void syncFailed(Machine machine, AgentException e) {
    boolean hasDisks = spec.machine().disks().stream().anyMatch(disk -> !disk.readOnly());
    if (!hasDisks && NOT_WRITTEN.contains(e.errno())) {
      LOG.warn(
          "{}: {}; what a program had in mapped files may be missing",
          machine.name(),
          e.getMessage());
    } else {
      progress.add(e);
    }
  }

  /** What the guest had sent before its end has all gone where it belongs when this returns. */
  private ProvisionalEnd takeDown(
      Machine machine, KernelWatch watch, Thread command, Judge judge, ProvisionalEnd ending)
      throws InterruptedException {
    if (ending.agentIsGone()) {
      machine.awaitStop(FAREWELL);
    }
    boolean stoppedByUs =
        machine.stop(new StopReason(StopReason.Kind.REQUESTED, "the run is over"));
    watch.awaitEnd();
    machine.agent().awaitEnd();
    command.join(); // it may have a command in its hands that has printed something
    ProvisionalEnd last = judge.refine(ending, stoppedByUs, progress.awaitRefusal());
    machine.closeAndReport().forEach(progress::add);
    progress.awaitOutput(LAST_OUTPUT);
    return last;
  }

  /** Wakes the run when its machine stops. */
  private final class Stopped implements MachineListener {
    @Override
    public void stopped(Machine machine, StopReason reason) {
      progress.poke();
    }
  }
}
