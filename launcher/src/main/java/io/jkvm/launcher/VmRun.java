// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.vm.StopLatch;
import io.jkvm.core.vm.StopReason;
import io.jkvm.core.vm.VirtualMachine;
import io.jkvm.devices.legacy.ConsoleOutput;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** One life of a machine at the terminal: assemble, run, stop, put everything back. */
final class VmRun {
  private static final int STANDARD_OUTPUT = 1;
  private static final long DRAIN_MILLISECONDS = 1000;
  private static final long SHUTDOWN_MILLISECONDS = 15_000;

  private final VmConfig config;
  private final Optional<Long> limitMilliseconds;
  private final Reporter reporter;
  private final StopLatch stop = new StopLatch();
  private final CountDownLatch finished = new CountDownLatch(1);

  VmRun(VmConfig config, Optional<Long> limitMilliseconds, Reporter reporter) {
    this.config = config;
    this.limitMilliseconds = limitMilliseconds;
    this.reporter = reporter;
  }

  /** Runs the machine to its end and says why it ended. */
  StopReason run() throws IOException, InterruptedException {
    // SIGINT, SIGTERM and SIGHUP run the JVM's shutdown hooks; it then ends with 128 + number.
    Thread hook = new Thread(this::stopOnSignal, "signal");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      StopReason reason = runMachine();
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
    stop.request(StopReason.Kind.HOST_SIGNAL, "SIGINT, SIGTERM or SIGHUP");
    try {
      finished.await(SHUTDOWN_MILLISECONDS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private StopReason runMachine() throws IOException, InterruptedException {
    HostFacts host = HostFacts.read();
    PanicWatch panicWatch;
    ConsoleOutput output =
        new ConsoleOutput(
            new Fd(STANDARD_OUTPUT),
            "standard output",
            e -> stop.request(StopReason.Kind.HOST_FAILURE, e.getMessage()));
    try {
      panicWatch = new PanicWatch(output);
      VmAssembler.Machine machine =
          new VmAssembler(config, host, reporter, stop, panicWatch).assemble();
      if (!host.hardwareVirtualization()) {
        reporter.note(
            "this host's KVM has no VT-x or AMD-V behind it: guest kernels run slowly, and the"
                + " parameters they need there are on their command line");
      }
      VirtualMachine vm = machine.vm();
      try (vm) {
        return panicWatch.refine(runWithTerminal(machine, output));
      }
    } finally {
      output.stopHolding();
      output.close(DRAIN_MILLISECONDS);
    }
  }

  private StopReason runWithTerminal(VmAssembler.Machine machine, ConsoleOutput output)
      throws IOException, InterruptedException {
    Optional<HostTerminal> terminal = HostTerminal.enterRawMode();
    ConsoleInput input =
        new ConsoleInput(
            machine.serial()::receive,
            terminal.isPresent(),
            () -> stop.request(StopReason.Kind.REQUESTED, "Ctrl-A x"),
            () -> reporter.help(ConsoleInput.HELP));
    machine.serial().onReceiveRoom(input::roomAvailable);
    try {
      machine.vm().start();
      reporter.step("the guest runs");
      input.start();
      StopReason reason = awaitStop(machine);
      // Before anything that may take long: no vCPU waits for a reader of our output any more.
      output.stopHolding();
      input.close();
      machine.vm().close();
      output.close(DRAIN_MILLISECONDS);
      return reason;
    } finally {
      input.close();
      terminal.ifPresent(HostTerminal::close);
    }
  }

  private StopReason awaitStop(VmAssembler.Machine machine) throws InterruptedException {
    if (limitMilliseconds.isPresent()) {
      long limit = limitMilliseconds.get();
      if (machine.vm().awaitStop(limit, TimeUnit.MILLISECONDS).isEmpty()) {
        stop.request(StopReason.Kind.TIMEOUT, "the guest still ran after " + limit / 1000.0 + " s");
      }
    }
    return machine.vm().awaitStop();
  }
}
