// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.core.vm.VirtualMachine;
import io.jkvm.devices.console.ConsoleInput;
import io.jkvm.devices.console.ConsoleOutput;
import io.jkvm.devices.serial.Uart16550;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** One machine at the terminal: assemble, run, stop, perhaps again, put everything back. */
final class VmRun {
  private static final int STANDARD_INPUT = 0;
  private static final int STANDARD_OUTPUT = 1;
  private static final long DRAIN_MILLISECONDS = 1000;
  private static final long SHUTDOWN_MILLISECONDS = 15_000;

  private final VmConfig config;
  private final Optional<Long> limitMilliseconds;
  private final Reporter reporter;
  private final long startNanos = System.nanoTime();
  private final CountDownLatch finished = new CountDownLatch(1);

  // Guarded by this: the latch of the machine that runs now, and a reason that ends the next ones
  // of --on-reboot=restart as well.
  private StopLatch current = new StopLatch();
  private StopReason lastReason;

  VmRun(VmConfig config, Optional<Long> limitMilliseconds, Reporter reporter) {
    this.config = config;
    this.limitMilliseconds = limitMilliseconds;
    this.reporter = reporter;
  }

  /** Runs the machine to its end and says why it ended. */
  StopReason run() throws IOException, InterruptedException {
    // SIGINT, SIGTERM and SIGHUP run the JVM's shutdown hooks; it then ends with 128 + number.
    Runtime.getRuntime().addShutdownHook(new Thread(this::stopOnSignal, "signal"));
    try {
      StopReason reason = runWithConsole();
      if (reason.kind().outcome() == StopReason.Outcome.CLEAN) {
        reporter.note(reason.toString());
      } else {
        reporter.error(reason.toString());
      }
      return reason;
    } finally {
      finished.countDown();
    }
  }

  private void stopOnSignal() {
    stopForGood(StopReason.Kind.HOST_SIGNAL, "SIGINT, SIGTERM or SIGHUP");
    try {
      finished.await(SHUTDOWN_MILLISECONDS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends the machine that runs now, and does not let it restart. */
  private void stopForGood(StopReason.Kind kind, String detail) {
    StopLatch latch;
    synchronized (this) {
      lastReason = lastReason == null ? new StopReason(kind, detail) : lastReason;
      latch = current;
    }
    latch.request(kind, detail);
  }

  private synchronized StopLatch nextLatch() {
    current = new StopLatch();
    if (lastReason != null) {
      current.request(lastReason);
    }
    return current;
  }

  private StopReason runWithConsole() throws IOException, InterruptedException {
    ConsoleOutput output =
        new ConsoleOutput(
            new Fd(STANDARD_OUTPUT),
            "standard output",
            e -> stopForGood(StopReason.Kind.HOST_FAILURE, e.getMessage()));
    HostFacts host = HostFacts.read();
    NamedSwitches switches = new NamedSwitches();
    Optional<HostTerminal> terminal = Optional.empty();
    try {
      HostCapabilities capabilities = null;
      while (true) {
        StopLatch stop = nextLatch();
        PanicWatch panicWatch = new PanicWatch(output);
        VmAssembler.Machine machine =
            new VmAssembler(config, host, capabilities, reporter, stop, panicWatch, switches)
                .assemble();
        if (capabilities == null) {
          capabilities = machine.capabilities();
          noteSoftwareKvm(capabilities);
          terminal = HostTerminal.enterRawMode();
        }
        StopReason reason =
            panicWatch.refine(runMachine(machine, stop, output, terminal.isPresent()));
        if (reason.kind() != StopReason.Kind.GUEST_RESET || config.onReboot() != OnReboot.RESTART) {
          return reason;
        }
        reporter.note("guest reset, starting again");
      }
    } finally {
      output.stopHolding();
      output.close(DRAIN_MILLISECONDS);
      terminal.ifPresent(HostTerminal::close);
    }
  }

  private void noteSoftwareKvm(HostCapabilities host) {
    if (host.interpretsRingZero()) {
      reporter.note(
          "this host's KVM has no VT-x or AMD-V behind it: guest kernels run slowly, and the"
              + " parameters they need there are on their command line");
    }
    if (!host.syscallWorks()) {
      reporter.note(
          "SYSCALL does not work on this host's KVM: a stock kernel can't run 64-bit programs here,"
              + " one with the patch in guest-images/kernel can");
    }
  }

  private StopReason runMachine(
      VmAssembler.Machine machine, StopLatch stop, ConsoleOutput output, boolean onTerminal)
      throws IOException, InterruptedException {
    VirtualMachine vm = machine.vm();
    try (vm;
        ConsoleInput input = consoleInput(machine.serial(), onTerminal)) {
      machine.serial().onReceiveRoom(input::roomAvailable);
      vm.start();
      reporter.step("the guest runs");
      input.start();
      StopReason reason = awaitStop(stop);
      if (reason.kind() != StopReason.Kind.GUEST_RESET) {
        // Before anything that may take long: no vCPU waits for a reader of our output any more.
        output.stopHolding();
      }
      return reason;
    }
  }

  private ConsoleInput consoleInput(Uart16550 serial, boolean onTerminal) throws IOException {
    Fd source = new Fd(STANDARD_INPUT);
    if (!onTerminal) {
      return ConsoleInput.ofPipe("jkvm", source, serial::receive);
    }
    EscapeKeys keys =
        new EscapeKeys(
            () -> stopForGood(StopReason.Kind.REQUESTED, "Ctrl-A x"),
            () -> reporter.help(EscapeKeys.HELP));
    return ConsoleInput.ofTerminal("jkvm", source, serial::receive, keys);
  }

  private StopReason awaitStop(StopLatch stop) throws InterruptedException {
    if (limitMilliseconds.isPresent()) {
      long limit = limitMilliseconds.get();
      long gone = (System.nanoTime() - startNanos) / 1_000_000;
      if (stop.await(Math.max(0, limit - gone), TimeUnit.MILLISECONDS).isEmpty()) {
        stopForGood(StopReason.Kind.TIMEOUT, "the guest still ran after " + limit / 1000.0 + " s");
      }
    }
    return stop.await();
  }
}
