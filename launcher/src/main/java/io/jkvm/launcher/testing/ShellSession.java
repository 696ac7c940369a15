// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.launcher.report.Advice;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.launcher.terminal.GuestShell;
import io.jkvm.machine.ConsoleStream;
import io.jkvm.machine.Machine;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.agent.AgentException;
import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.testing.HostPauses;
import io.jkvm.machine.testing.TestOutcome;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** {@code jkvm shell} from a machine's specification to an exit status. */
public final class ShellSession {
  private static final long SHUTDOWN_MILLISECONDS = 15_000;
  private static final int FAREWELL_SECONDS = 10;
  private static final int LAST_LINES = 20;
  private static final Pattern NO_CHANNEL =
      Pattern.compile("jkvm-agent: no channel to the host: ([^\\r\\n;]*)[\\r\\n;]");

  private final MachineSpec spec;
  private final Optional<String> rootDevice;
  private final GuestCommand command;
  private final Optional<Path> log;
  private final Reporter reporter;
  private final CountDownLatch finished = new CountDownLatch(1);

  /** A session that does not run yet. */
  public ShellSession(
      MachineSpec spec,
      Optional<String> rootDevice,
      GuestCommand command,
      Optional<Path> log,
      Reporter reporter) {
    this.spec = spec;
    this.rootDevice = rootDevice;
    this.command = command;
    this.log = log;
    this.reporter = reporter;
  }

  /** Boots, runs the shell, takes the machine down. */
  public int run() throws InterruptedException {
    Optional.ofNullable(Integer.getInteger("jkvm.parent"))
        .ifPresent(io.jkvm.machine.HostTerminal::endWith);
    try (ConsoleStream file =
            log.map(path -> ConsoleStream.file(path, this::logFailed)).orElse(null);
        Machine machine = Machine.create(spec)) {
      if (file != null) {
        machine.console().attach(file);
      }
      GuestShell shell = new GuestShell(machine, command);
      Runtime.getRuntime().addShutdownHook(new Thread(() -> endOnSignal(machine, shell), "signal"));
      machine.start();
      HostPauses.follow(machine.name(), machine.agent());
      Thread complaints = new Thread(() -> awaitComplaint(machine), "no-channel");
      complaints.setDaemon(true);
      complaints.start();
      return run(machine, shell);
    } finally {
      finished.countDown();
    }
  }

  private int run(Machine machine, GuestShell shell) throws InterruptedException {
    try {
      if (rootDevice.isPresent()) {
        machine.agent().mountRoot(rootDevice.get(), true);
      }
      CommandEnd end = shell.run();
      if (spec.disks().stream().anyMatch(disk -> !disk.readOnly())) {
        machine.agent().sync();
      }
      if (!end.text().isEmpty()) {
        reporter.error(end.text().replaceAll("\\p{Cntrl}", "?"));
      }
      return end.shellStatus();
    } catch (AgentException e) {
      return gone(machine, e);
    } catch (IOException e) {
      reporter.error(e.getMessage());
      return TestOutcome.SETUP;
    }
  }

  /** The shell has not ended, the guest has. */
  private int gone(Machine machine, AgentException e) throws InterruptedException {
    Optional<StopReason> reason = machine.awaitStop(Duration.ofSeconds(FAREWELL_SECONDS));
    if (reason.isEmpty()) {
      reporter.error("gone: " + e.getMessage());
      return TestOutcome.GONE;
    }
    switch (reason.get().kind()) {
      case GUEST_POWER_OFF, GUEST_RESET, GUEST_HALT, REQUESTED -> {
        reporter.note(reason.get().toString());
        return 0;
      }
      default -> {
        String output = machine.console().output();
        String[] lines = output.split("\\R");
        for (int i = Math.max(0, lines.length - LAST_LINES); i < lines.length; i++) {
          reporter.quote(lines[i].replaceAll("\\p{Cntrl}", "?"));
        }
        reporter.error(Advice.line(reason.get(), spec));
        return reason.get().kind() == StopReason.Kind.GUEST_PANIC
            ? TestOutcome.PANIC
            : TestOutcome.GONE;
      }
    }
  }

  /** A kernel without a channel for the agent would keep us waiting for ever. */
  private void awaitComplaint(Machine machine) {
    try {
      String why = machine.console().newReader().expect(NO_CHANNEL, Duration.ofDays(1)).group(1);
      if (!machine.agent().hasSpoken()) {
        reporter.error("the guest can't speak to jkvm: " + why);
        machine.stop();
      }
    } catch (MachineException e) {
      return; // it ended, or did well for a day
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void endOnSignal(Machine machine, GuestShell shell) {
    shell.giveTerminalBack();
    machine.stop(new StopReason(StopReason.Kind.HOST_SIGNAL, "SIGINT, SIGTERM or SIGHUP"));
    try {
      finished.await(SHUTDOWN_MILLISECONDS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void logFailed(IOException e) {
    reporter.error("the kernel's log is cut: " + e.getMessage());
  }
}
