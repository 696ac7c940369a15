// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import io.jkvm.launcher.report.Advice;
import io.jkvm.launcher.report.NoteText;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.machine.ConsoleFeed;
import io.jkvm.machine.ConsoleStream;
import io.jkvm.machine.HostTerminal;
import io.jkvm.machine.Machine;
import io.jkvm.machine.MachineListener;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.assembly.HeldFiles;
import io.jkvm.machine.assembly.Host;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Note;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A machine whose console is this process' terminal, from its start to its end, restarts included.
 * Puts everything back afterwards.
 */
public final class TerminalSession {
  private static final Duration FOR_EVER = Duration.ofSeconds(Long.MAX_VALUE);
  private static final int ALL_RESTARTS_NOTED = 10;
  private static final long SHORTEST_LIFE_NANOSECONDS = 1_000_000_000;
  private static final long SHUTDOWN_MILLISECONDS = 15_000;

  /** What is sent to a process group comes twice: from the sender, and sent on by bin/jkvm. */
  private static final long SAME_SIGNAL_NANOSECONDS = 1_000_000_000;

  private final MachineSpec spec;
  private final boolean restarts;
  private final Optional<Duration> limit;
  private final Duration grace;
  private final Reporter reporter;
  private final long startNanos = System.nanoTime();
  private final CountDownLatch finished = new CountDownLatch(1);

  private final JobTerminal terminal = new JobTerminal(HostTerminal.standardInput());

  private final JobControl jobControl = new JobControl(new Job());

  // Guarded by this: the machine that runs now, what is typed at it, and a reason that ends the
  // next ones as well.
  private Machine current;
  private Optional<ConsoleFeed> feed = Optional.empty();
  private StopReason lastReason;

  /** Open after a signal came: the machine that runs now is the last one. */
  private final CountDownLatch lastLife = new CountDownLatch(1);

  /**
   * A session.
   *
   * @param restarts whether a guest that resets is started again
   * @param limit how long it may take at most, from now on
   * @param grace how long a guest that listens to its power button has to power off after a signal
   */
  public TerminalSession(
      MachineSpec spec,
      boolean restarts,
      Optional<Duration> limit,
      Duration grace,
      Reporter reporter) {
    this.spec = spec;
    this.restarts = restarts;
    this.limit = limit;
    this.grace = grace;
    this.reporter = reporter;
  }

  /**
   * Runs the machine to its end and says why it ended.
   *
   * @return the exit status
   */
  public int run() throws InterruptedException {
    // SIGINT, SIGTERM and SIGHUP run the JVM's shutdown hooks; it then ends with 128 + number.
    Runtime.getRuntime().addShutdownHook(new Thread(this::stopOnSignal, "signal"));
    Optional.ofNullable(Integer.getInteger("jkvm.parent")).ifPresent(HostTerminal::endWith);
    MachineEnd ending = null;
    try {
      ending = runWithConsole();
      if (ending.reason().kind().outcome() == StopReason.Outcome.CLEAN) {
        reporter.note(ending.toString());
      } else {
        reporter.error(Advice.line(ending.reason(), spec));
      }
      ending.failures().forEach(failure -> reporter.error(Advice.line(failure)));
      return ending.status();
    } finally {
      // Otherwise the status is not to be the signal's: Main ends the process, the hook waits for
      // it.
      if (ending == null || ending.failures().isEmpty()) {
        finished.countDown();
      }
    }
  }

  /** A shutdown hook, so the JVM ends with 128 and the signal's number after it. */
  private void stopOnSignal() {
    try {
      boolean hasMachine = awaitPowerOff();
      stopForGood(new StopReason(StopReason.Kind.HOST_SIGNAL, "SIGINT, SIGTERM or SIGHUP"));
      if (hasMachine) {
        finished.await(); // its disks are flushed however long that takes
      } else {
        finished.await(SHUTDOWN_MILLISECONDS, TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Gives a guest that listens to the power button its time; another signal ends that.
   *
   * @return false if there is no machine yet
   */
  private boolean awaitPowerOff() throws InterruptedException {
    jobControl.goOn(); // a guest that is paused has no button
    Machine machine;
    synchronized (this) {
      machine = current;
    }
    lastLife.countDown();
    if (machine == null || grace.isZero() || !pressPowerButton(machine)) {
      return machine != null;
    }
    StopReason again = new StopReason(StopReason.Kind.HOST_SIGNAL, "a second signal");
    long first = System.nanoTime();
    for (String signal : List.of("TERM", "INT", "HUP")) {
      JobControl.handle(
          signal,
          () -> {
            if (System.nanoTime() - first > SAME_SIGNAL_NANOSECONDS) {
              stopForGood(again);
            }
          });
    }
    reporter.note(
        "asked the guest to power off, which has "
            + grace.toMillis() / 1000.0
            + " s; another signal, a second from now or later, stops it at once");
    machine.awaitStop(grace);
    return true;
  }

  private static boolean pressPowerButton(Machine machine) {
    try {
      return machine.powerButton();
    } catch (MachineException e) {
      return false; // not running yet, or not any more
    }
  }

  /** Ends the machine that runs now, and does not let it restart. */
  private void stopForGood(StopReason reason) {
    Machine machine;
    synchronized (this) {
      lastReason = lastReason == null ? reason : lastReason;
      machine = current;
    }
    if (machine != null) {
      machine.stop(reason);
    }
  }

  private synchronized void setCurrent(Machine machine) {
    current = machine;
    if (lastReason != null) {
      machine.stop(lastReason);
    }
  }

  private Optional<Machine> pauseCurrent() {
    Machine machine;
    synchronized (this) {
      machine = current;
    }
    try {
      if (machine != null) {
        machine.pause();
      }
      return Optional.ofNullable(machine);
    } catch (MachineException e) {
      return Optional.empty(); // not started yet, or about to end: it is stopped as it is
    }
  }

  private synchronized void wakeFeed() {
    feed.ifPresent(ConsoleFeed::askAgain);
  }

  private synchronized void setFeed(Optional<ConsoleFeed> now) {
    feed = now;
  }

  private MachineEnd runWithConsole() throws InterruptedException {
    GuestOutput output = new GuestOutput(this::outputFailed);
    HeldFiles held = new HeldFiles();
    try {
      MachineSpec machineSpec = restarts ? held.hold(spec) : spec;
      jobControl.start();
      MachineEnd ending = runLives(machineSpec, held, output.stream());
      if (ending.isGuests() && !output.awaitWritten()) {
        terminal.giveBack(); // so that Ctrl-C ends the wait
        output.awaitReader(timeLeft().orElse(FOR_EVER), lastLife);
      }
      return output.end().filter(ending::isNews).map(ending::with).orElse(ending);
    } finally {
      output.close();
      terminal.giveBack();
      held.close();
    }
  }

  private MachineEnd runLives(MachineSpec machineSpec, HeldFiles held, ConsoleStream output)
      throws InterruptedException {
    Host host = new Host();
    for (int life = 1; ; life++) {
      long begun = System.nanoTime();
      Machine machine = create(machineSpec, host, held);
      MachineEnd ending;
      try {
        setCurrent(machine);
        machine.console().attach(output);
        terminal.take();
        StopReason reason = runToEnd(machine, output);
        List<Exception> failures = machine.closeAndReport();
        ending = new MachineEnd(reason, machine.exitStatus(), failures);
      } finally {
        machine.close();
      }
      boolean reset = ending.reason().kind() == StopReason.Kind.GUEST_RESET;
      if (!restarts || isLastLife(0) || !reset || !ending.failures().isEmpty()) {
        return ending;
      }
      noteRestart(life);
      // One that resets at once shall not keep a processor busy, nor have more warnings than that.
      if (isLastLife(SHORTEST_LIFE_NANOSECONDS - (System.nanoTime() - begun))) {
        return ending;
      }
    }
  }

  /** A guest may go on for ever: after some, each time that there are twice as many. */
  private void noteRestart(int times) {
    if (times <= ALL_RESTARTS_NOTED || Integer.bitCount(times) == 1) {
      reporter.note(
          "guest reset, starting again" + (times == 1 ? "" : ", " + times + " times now"));
    }
  }

  private boolean isLastLife(long nanoseconds) throws InterruptedException {
    return lastLife.await(nanoseconds, TimeUnit.NANOSECONDS);
  }

  private Machine create(MachineSpec machineSpec, Host host, HeldFiles held) {
    try {
      return Machine.create(machineSpec, host, new Progress());
    } catch (MachineException e) {
      throw held.named(e);
    }
  }

  private void outputFailed(IOException e) {
    stopForGood(new StopReason(StopReason.Kind.HOST_FAILURE, Advice.line(e)));
  }

  private StopReason runToEnd(Machine machine, ConsoleStream output) throws InterruptedException {
    machine.start();
    reporter.step("the guest runs");
    DiskWatch disks = DiskWatch.start(machine, reporter::note);
    try (ConsoleFeed typed = startFeed(machine)) {
      setFeed(Optional.of(typed));
      StopReason reason = awaitStop(machine);
      if (reason.kind() != StopReason.Kind.GUEST_RESET) {
        // Before anything that may take long: no vCPU waits for a reader of our output any more.
        output.stopHolding();
      }
      return reason;
    } finally {
      disks.close();
      setFeed(Optional.empty());
    }
  }

  private ConsoleFeed startFeed(Machine machine) {
    if (!terminal.isPresent()) {
      return ConsoleFeed.standardInput(machine);
    }
    EscapeKeys keys = new EscapeKeys(new Keys(machine));
    return ConsoleFeed.terminal(machine, keys::unescape, terminal::isOurs);
  }

  private Optional<Duration> timeLeft() {
    return limit.map(most -> most.minusNanos(System.nanoTime() - startNanos));
  }

  private StopReason awaitStop(Machine machine) throws InterruptedException {
    if (limit.isPresent()) {
      if (machine.awaitStop(timeLeft().orElseThrow()).isEmpty()) {
        String detail = "the guest still ran after " + limit.get().toMillis() / 1000.0 + " s";
        stopForGood(new StopReason(StopReason.Kind.TIMEOUT, detail));
      }
    }
    return machine.awaitStop();
  }

  /** The guest, and its time, and the terminal. */
  private final class Job implements JobControl.Job {
    private Optional<Machine> paused = Optional.empty();

    @Override
    public void pause() {
      paused = pauseCurrent();
      terminal.lend();
    }

    @Override
    public void resume() {
      terminal.takeAgain();
      wakeFeed();
      paused.ifPresent(Machine::resume);
    }

    /** Another program has had the terminal, perhaps. */
    @Override
    public void continued() {
      terminal.continued();
      wakeFeed();
    }
  }

  /** What Ctrl-A and another key do. */
  private final class Keys implements EscapeKeys.Actions {
    private final Machine machine;

    Keys(Machine machine) {
      this.machine = machine;
    }

    @Override
    public void stop() {
      stopForGood(new StopReason(StopReason.Kind.REQUESTED, "Ctrl-A x"));
    }

    @Override
    public void pressPowerButton() {
      if (!TerminalSession.pressPowerButton(machine)) {
        reporter.help("the guest does not listen to the power button: it has no ACPI\n");
      }
    }

    @Override
    public void sendBreak() {
      if (!machine.console().sendBreak()) {
        reporter.help("the guest does not listen to its serial line\n");
      }
    }

    @Override
    public void help() {
      reporter.help(EscapeKeys.HELP);
    }
  }

  /** Shows what happens while a machine is made. */
  private final class Progress implements MachineListener {
    @Override
    public void progress(MachineSpec made, String step) {
      reporter.step(step);
    }

    @Override
    public void note(MachineSpec made, Note note) {
      if (NoteText.isDetail(note)) {
        reporter.step(NoteText.of(note));
      } else {
        reporter.note(NoteText.of(note));
      }
    }
  }
}
