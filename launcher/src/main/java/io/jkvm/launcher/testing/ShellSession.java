// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.launcher.report.Reporter;
import io.jkvm.launcher.terminal.GuestShell;
import io.jkvm.machine.HostTerminal;
import io.jkvm.machine.Machine;
import io.jkvm.machine.MachineListener;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.kernel.Purpose;
import io.jkvm.machine.kernellog.FailOn;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.testing.TestOutcome;
import io.jkvm.machine.testing.TestRun;
import io.jkvm.machine.testing.TestSpec;
import io.jkvm.machine.testing.TestStreams;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * {@code jkvm shell} from a machine's specification to an exit status: a run that no report of the
 * kernel's but a panic ends, on a terminal if there is one.
 */
public final class ShellSession {
  private static final long SHUTDOWN_MILLISECONDS = 15_000;

  private final KernelSource kernel;
  private final GuestRoot root;
  private final TestSpec spec;
  private final Reporter reporter;
  private final OutputStream out = TestStreams.standardOutput();
  private final Optional<HostTerminal> terminal = HostTerminal.forGuestTerminal();
  private final CountDownLatch finished = new CountDownLatch(1);

  /** A session that does not run yet, of a machine that {@code root} is in. */
  public ShellSession(
      KernelSource kernel,
      GuestRoot root,
      MachineSpec machine,
      GuestCommand command,
      Optional<Path> log,
      Reporter reporter) {
    this.kernel = kernel;
    this.root = root;
    this.reporter = reporter;
    spec =
        new TestSpec(
            machine,
            command,
            Optional.empty(),
            Optional.empty(),
            FailOn.of(List.of()),
            log,
            false,
            false,
            root.mounts());
  }

  /**
   * Boots, runs the shell, takes the machine down.
   *
   * @return the exit status
   * @throws MachineException if the machine can't be made
   */
  public int run() throws InterruptedException {
    Optional.ofNullable(Integer.getInteger("jkvm.parent")).ifPresent(HostTerminal::endWith);
    Optional<GuestShell> shell = terminal.map(it -> new GuestShell(it, spec.command()));
    KernelCheck check = new KernelCheck(kernel, kernel::config, purposes(), root::hasModule);
    TestRun run =
        shell.isPresent()
            ? new TestRun(spec, streams(), check.result(), shell.get())
            : new TestRun(spec, streams(), check.result());
    Runtime.getRuntime().addShutdownHook(new Thread(() -> endOnSignal(run, shell), "signal"));
    Stopped stopped = new Stopped();
    try {
      TestOutcome outcome = LastLine.withLossOf(out, run.run(stopped));
      shell.ifPresent(GuestShell::giveTerminalBack);
      boolean left = shell.filter(GuestShell::hasBeenLeft).isPresent();
      return tell(new ShellEnd(outcome, left, Optional.ofNullable(stopped.reason)));
    } finally {
      shell.ifPresent(GuestShell::giveTerminalBack);
      finished.countDown();
    }
  }

  private Set<Purpose> purposes() {
    Set<Purpose> purposes = EnumSet.copyOf(root.purposes());
    terminal.ifPresent(it -> purposes.add(Purpose.TERMINAL));
    return purposes;
  }

  /** A terminal's keys are the shell's to read. */
  private TestStreams streams() {
    return new TestStreams(
        terminal.isPresent()
            ? Optional.empty()
            : Optional.of(new FileInputStream(FileDescriptor.in)),
        out,
        TestStreams.standardError());
  }

  private int tell(ShellEnd end) {
    if (end.isWanted()) {
      end.line().ifPresent(reporter::note);
    } else {
      LastLine.evidence(reporter, end.outcome(), false);
      end.line().ifPresent(reporter::error);
    }
    return end.status();
  }

  private void endOnSignal(TestRun run, Optional<GuestShell> shell) {
    shell.ifPresent(GuestShell::giveTerminalBack);
    run.interrupt();
    try {
      finished.await(SHUTDOWN_MILLISECONDS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Keeps why the machine stopped. */
  private static final class Stopped implements MachineListener {
    private volatile StopReason reason;

    @Override
    public void stopped(Machine machine, StopReason why) {
      reason = why;
    }
  }
}
