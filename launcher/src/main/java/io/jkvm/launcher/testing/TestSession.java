// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.launcher.report.Advice;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.results.JUnitReport;
import io.jkvm.machine.results.JsonReport;
import io.jkvm.machine.results.RunReport;
import io.jkvm.machine.results.RunSet;
import io.jkvm.machine.results.TextSummary;
import io.jkvm.machine.results.Verdict;
import io.jkvm.machine.testing.GuestRoot;
import io.jkvm.machine.testing.TestOutcome;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** {@code jkvm test} from its plan to its exit status. */
public final class TestSession {
  private static final long SHUTDOWN_MILLISECONDS = 15_000;

  private final TestPlan plan;
  private final Reporter reporter;
  private final CountDownLatch finished = new CountDownLatch(1);
  private final Map<Path, KernelSource> kernels = new LinkedHashMap<>();
  private final Map<Path, GuestRoot> roots = new LinkedHashMap<>();

  // Guarded by this.
  private final List<PlannedRun> running = new ArrayList<>();
  private final Map<Integer, RunReport> reports = new TreeMap<>();
  private boolean ending;
  private boolean commandsStarted = true;

  /** A session. */
  public TestSession(TestPlan plan, Reporter reporter) {
    this.plan = plan;
    this.reporter = reporter;
  }

  /**
   * Runs the plan.
   *
   * @return the exit status
   * @throws IOException if a report can't be written
   */
  public int run() throws IOException, InterruptedException {
    Runtime.getRuntime().addShutdownHook(new Thread(this::endOnSignal, "signal"));
    try {
      // A report that stands there before the end is of a run that did not come to one.
      writeReports(new RunSet(List.of(notRun())));
      for (Path kernel : plan.kernels()) {
        KernelSource source = KernelSource.of(kernel);
        GuestRoot root = GuestRoot.make(plan.root(), source);
        root.notes().forEach(reporter::step);
        kernels.put(kernel, source);
        roots.put(kernel, root);
      }
      int status = plan.isSingle() ? runOne() : runMany();
      writeReports(new RunSet(List.copyOf(reports())));
      return status;
    } finally {
      roots.values().forEach(GuestRoot::close);
      finished.countDown();
    }
  }

  /** Whether each run came as far as the command. */
  public synchronized boolean commandsStarted() {
    return commandsStarted;
  }

  private synchronized TestOutcome noted(TestOutcome outcome) {
    commandsStarted &= outcome.commandStarted();
    return outcome;
  }

  private RunReport notRun() {
    return RunReport.of(plan.name(), "", io.jkvm.machine.results.EndClass.SETUP, TestOutcome.SETUP)
        .withDetail("jkvm did not come to the end of the run", "");
  }

  /** A shutdown hook: the JVM ends with 128 and the signal's number after it. */
  private void endOnSignal() {
    List<PlannedRun> left;
    synchronized (this) {
      ending = true;
      left = List.copyOf(running);
    }
    left.forEach(PlannedRun::interrupt);
    try {
      finished.await(SHUTDOWN_MILLISECONDS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized List<RunReport> reports() {
    return List.copyOf(reports.values());
  }

  // --- one run: its streams are this process' ---

  private int runOne() throws InterruptedException {
    Path kernel = plan.kernels().get(0);
    PlannedRun run =
        new PlannedRun(
            plan,
            kernels.get(kernel),
            roots.get(kernel),
            1,
            1,
            Optional.of(new FileInputStream(FileDescriptor.in)),
            new FileOutputStream(FileDescriptor.out),
            new FileOutputStream(FileDescriptor.err));
    begin(run);
    try {
      TestOutcome outcome = noted(run.toEnd());
      end(run, run.report(outcome));
      outcome
          .boot()
          .ifPresent(boot -> reporter.step("the guest was up after " + boot.toMillis() + " ms"));
      if (!outcome.end().isVerdictOfCommand() && !plan.showLog()) {
        outcome.lastLines().forEach(reporter::quote);
      }
      outcome.failures().forEach(failure -> reporter.error(failure.getMessage()));
      reporter.note(lastLine(run, outcome));
      return outcome.failures().isEmpty() ? outcome.status() : TestOutcome.SETUP;
    } catch (MachineException e) {
      end(run, run.report(e, Advice.line(e)));
      reporter.error("setup, status " + TestOutcome.SETUP + ": " + Advice.line(e));
      return TestOutcome.SETUP;
    }
  }

  private static String lastLine(PlannedRun run, TestOutcome outcome) {
    String place = run.place(outcome);
    return outcome.end().word()
        + ", status "
        + outcome.status()
        + ": "
        + outcome.detail()
        + (place.isEmpty() ? "" : " (" + place + ")");
  }

  // --- many: what they print is kept, and shown of those that fail ---

  private int runMany() throws InterruptedException {
    ExecutorService pool = Executors.newFixedThreadPool(plan.jobs());
    Progress progress = new Progress(reporter, plan.kernels().size() * plan.repeat());
    int number = 0;
    for (int repetition = 1; repetition <= plan.repeat(); repetition++) {
      for (Path kernel : plan.kernels()) {
        int ownNumber = ++number;
        int ownRepetition = repetition;
        pool.execute(() -> runOneOfMany(kernel, ownNumber, ownRepetition, progress));
      }
    }
    pool.shutdown();
    pool.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    progress.end();
    RunSet set = new RunSet(reports());
    new TextSummary(set).lines().forEach(reporter::result);
    return set.passed()
        ? 0
        : set.runs().stream()
            .filter(run -> run.verdict() != Verdict.PASS && run.verdict() != Verdict.SKIP)
            .mapToInt(run -> Math.max(1, run.status()))
            .findFirst()
            .orElse(TestOutcome.SETUP);
  }

  private void runOneOfMany(Path kernel, int number, int repetition, Progress progress) {
    if (isEnding()) {
      return;
    }
    OutputStream nowhere = OutputStream.nullOutputStream();
    PlannedRun run =
        new PlannedRun(
            plan,
            kernels.get(kernel),
            roots.get(kernel),
            number,
            repetition,
            Optional.empty(),
            nowhere,
            nowhere);
    begin(run);
    RunReport report;
    try {
      report = run.report(noted(run.toEnd()));
    } catch (MachineException e) {
      report = run.report(e, Advice.line(e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    end(run, report);
    boolean passed = report.verdict() == Verdict.PASS || report.verdict() == Verdict.SKIP;
    progress.finished(report, passed, run.outputText());
    if (!passed && plan.stopOnFailure()) {
      synchronized (this) {
        ending = true;
      }
    }
  }

  private synchronized boolean isEnding() {
    return ending;
  }

  private synchronized void begin(PlannedRun run) {
    running.add(run);
    if (ending) {
      run.interrupt();
    }
  }

  private synchronized void end(PlannedRun run, RunReport report) {
    running.remove(run);
    reports.put(run.number(), report);
  }

  private void writeReports(RunSet set) throws IOException {
    if (plan.junit().isPresent()) {
      new JUnitReport(set).write(plan.junit().get());
    }
    if (plan.json().isPresent()) {
      new JsonReport(set).write(plan.json().get());
    }
  }
}
