// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.launcher.report.Advice;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.machine.HostTerminal;
import io.jkvm.machine.assembly.HeldFiles;
import io.jkvm.machine.assembly.Host;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.ReportBudget;
import io.jkvm.machine.results.ReportFiles;
import io.jkvm.machine.results.RunReport;
import io.jkvm.machine.results.RunSet;
import io.jkvm.machine.results.TextSummary;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.root.KernelShares;
import io.jkvm.machine.root.RootSpec;
import io.jkvm.machine.testing.TestOutcome;
import io.jkvm.machine.testing.TestStreams;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** {@code jkvm test} from its plan to its exit status. */
public final class TestSession {
  private static final long SHUTDOWN_MILLISECONDS = 15_000;

  private final TestPlan plan;
  private final Reporter reporter;
  private final Host host = new Host();
  private final CountDownLatch finished = new CountDownLatch(1);
  private final HeldFiles held = new HeldFiles();
  private final List<PlannedRun.Kernel> kernels = new ArrayList<>();
  private Optional<ReportFiles> files = Optional.empty();

  // Guarded by this.
  private final List<PlannedRun> running = new ArrayList<>();
  private final Map<Integer, DoneRun> done = new TreeMap<>();
  private final ReportBudget budget = new ReportBudget(Runtime.getRuntime().maxMemory() / 4);
  private boolean ending;
  private boolean interrupted;

  /** A session. */
  public TestSession(TestPlan plan, Reporter reporter) {
    this.plan = plan;
    this.reporter = reporter;
  }

  /**
   * Runs the plan.
   *
   * @return the exit status
   */
  public int run() throws InterruptedException {
    Runtime.getRuntime().addShutdownHook(new Thread(this::endOnSignal, "signal"));
    Optional.ofNullable(Integer.getInteger("jkvm.parent")).ifPresent(HostTerminal::endWith);
    try (ReportFiles opened = ReportFiles.open(plan.reports().junit(), plan.reports().json())) {
      files = Optional.of(opened);
      return runAll(opened);
    } catch (IOException e) {
      return setUpFailed(e.getMessage());
    } finally {
      kernels.forEach(kernel -> kernel.root().close());
      held.close();
      finished.countDown();
    }
  }

  private int runAll(ReportFiles opened) throws InterruptedException {
    try {
      // A report that stands there before the end is of a run that did not come to one.
      opened.writeFirst(notRun("jkvm did not come to the end of the run"));
      for (var kernel : plan.kernels()) {
        kernels.add(prepare(KernelSource.of(kernel)));
      }
      return plan.isSingle() ? runOne() : runMany();
    } catch (MachineException e) {
      return setUpFailed(Advice.line(e));
    } catch (IOException e) {
      return setUpFailed(e.getMessage());
    }
  }

  private PlannedRun.Kernel prepare(KernelSource source) throws IOException {
    KernelShares known = KernelShares.of(source);
    RootSpec wanted = plan.root().apply(known);
    GuestRoot root = GuestRoot.make(wanted, source, plan.machine().apply(source.image()), known);
    boolean whole = false;
    try {
      root.notes().forEach(reporter::step);
      KernelCheck check = new KernelCheck(source, known::config, root.purposes(), root::hasModule);
      whole = true;
      return new PlannedRun.Kernel(source, check, root);
    } finally {
      if (!whole) {
        root.close();
      }
    }
  }

  /** Before any run, or of a report: the last line says that, and the status is jkvm's own. */
  private int setUpFailed(String line) {
    try {
      writeReports(List.of(notRun(line)));
    } catch (IOException e) {
      reporter.step(e.getMessage()); // the line tells what came first
    }
    reporter.error(LastLine.setup(line));
    return TestOutcome.SETUP;
  }

  /** Of no kernel in particular. */
  private RunReport notRun(String why) {
    return notRun("", why);
  }

  private RunReport notRun(String kernel, String why) {
    return RunReport.of(plan.name(), kernel, EndClass.SETUP, TestOutcome.SETUP).withDetail(why, "");
  }

  /** A shutdown hook: the JVM ends with 128 and the signal's number after it. */
  private void endOnSignal() {
    List<PlannedRun> left;
    synchronized (this) {
      ending = true;
      interrupted = true;
      left = List.copyOf(running);
    }
    left.forEach(PlannedRun::interrupt);
    try {
      finished.await(SHUTDOWN_MILLISECONDS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * What {@code git bisect run} is to hear of the runs.
   *
   * @param skipBoot whether a kernel that did not come as far as the command is to be skipped
   */
  public synchronized int bisectStatus(boolean skipBoot) {
    return BisectStatus.of(List.copyOf(done.values()), skipBoot);
  }

  private synchronized RunSet reports() {
    return new RunSet(done.values().stream().map(DoneRun::report).toList());
  }

  // --- one run: its streams are this process' ---

  private int runOne() throws InterruptedException {
    OutputStream out = TestStreams.standardOutput();
    PlannedRun run =
        new PlannedRun(
            plan,
            kernels.get(0),
            held,
            1,
            1,
            Optional.of(new ForegroundInput(new FileInputStream(FileDescriptor.in))),
            out,
            TestStreams.standardError());
    if (!begin(run)) {
      run.interrupt();
    }
    TestOutcome outcome = LastLine.withLossOf(out, run.toEnd(host));
    RunReport report = run.report(outcome);
    end(run, 1, new DoneRun(report, outcome.commandStarted()));
    outcome
        .boot()
        .ifPresent(boot -> reporter.step("the guest was up after " + boot.toMillis() + " ms"));
    if (run.hasCutLine()) {
      reporter.result("");
    }
    LastLine.evidence(reporter, outcome, plan.log().isShown());
    if (!report.cases().isEmpty()) {
      new TextSummary(reports()).lines().forEach(reporter::result);
    }
    int status = outcome.status();
    if (status == 0 && plan.log().hasTests() && !report.passed()) {
      status = 1; // what the kernel has tested is a part of what was asked
    }
    String place = run.place(outcome);
    String detail = outcome.detail() + (place.isEmpty() ? "" : " (" + place + ")");
    String line = LastLine.of(outcome.end(), status, detail);
    Optional<String> unwritten = writeLast();
    reporter.error(
        unwritten.map(why -> LastLine.setup(why + "; but for that: " + line)).orElse(line));
    return unwritten.isPresent() ? TestOutcome.SETUP : status;
  }

  /** Why a report can't be written, if so; the others are, and what stands in them is right. */
  private Optional<String> writeLast() {
    try {
      writeReports(reports().runs());
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of(e.getMessage());
    }
  }

  // --- many: what they print is kept, and shown of those that fail ---

  private int runMany() throws InterruptedException {
    // Before any guest runs, which may write where these files are.
    kernels.forEach(kernel -> held.hold(kernel.machine(plan)));
    plan.logOf(1).ifPresent(held::inHeldDirectory);
    int planned = plan.runs();
    int jobs = Math.min(plan.repetition().jobs(), planned);
    ExecutorService pool = Executors.newFixedThreadPool(jobs);
    Progress progress = new Progress(reporter, planned);
    AtomicInteger begun = new AtomicInteger();
    for (int job = 0; job < jobs; job++) {
      pool.execute(() -> runSome(begun, planned, progress));
    }
    pool.shutdown();
    pool.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    progress.end();
    RunSet set = reports();
    new TextSummary(set).lines().forEach(reporter::result);
    boolean complete = set.runs().size() == planned;
    int status = complete && set.passed() ? 0 : status();
    Optional<String> unwritten = writeLast();
    if (unwritten.isPresent()) {
      status = TestOutcome.SETUP;
      reporter.error(LastLine.setup(unwritten.get()));
    }
    reporter.result(
        "jkvm: " + set.runs().size() + " of " + planned + " runs done, status " + status);
    return status;
  }

  /** That of the first run that did not pass; but the user's end counts more than the runs'. */
  private synchronized int status() {
    if (interrupted) {
      return TestOutcome.INTERRUPTED;
    }
    return done.values().stream()
        .filter(run -> !run.passed())
        .mapToInt(run -> Math.max(1, run.report().status()))
        .findFirst()
        .orElse(TestOutcome.SETUP);
  }

  /** One after the other, all kernels once before any a second time. */
  private void runSome(AtomicInteger begun, int planned, Progress progress) {
    int kinds = plan.kernels().size();
    for (int run = begun.getAndIncrement(); run < planned; run = begun.getAndIncrement()) {
      runOneOfMany(run % kinds, run + 1, run / kinds + 1, progress);
    }
  }

  private void runOneOfMany(int kernel, int number, int repetition, Progress progress) {
    if (isEnding()) {
      return;
    }
    DoneRun ended;
    String output = "";
    PlannedRun run = null;
    try {
      OutputStream nowhere = OutputStream.nullOutputStream();
      run =
          new PlannedRun(
              plan,
              kernels.get(kernel),
              held,
              number,
              repetition,
              Optional.empty(),
              nowhere,
              nowhere);
      if (!begin(run)) {
        return;
      }
      TestOutcome outcome = run.toEnd(host);
      ended = new DoneRun(run.report(outcome), outcome.commandStarted());
      output = run.outputText();
    } catch (MachineException e) {
      ended = notDone(kernel, Advice.line(e), repetition);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      ended = notDone(kernel, "interrupted", repetition);
    } catch (RuntimeException | Error e) { // no run is to vanish without a word
      ended = notDone(kernel, e.toString(), repetition);
    }
    end(run, number, ended);
    progress.finished(ended.report(), ended.passed(), output);
  }

  private DoneRun notDone(int kernel, String why, int repetition) {
    String name = PlannedRun.kernelName(plan, kernels.get(kernel).source());
    return new DoneRun(notRun(name, why).withRepetition(repetition), false);
  }

  private synchronized boolean isEnding() {
    return ending;
  }

  /** Whether a run may begin, from where on a signal ends it. */
  private synchronized boolean begin(PlannedRun run) {
    if (ending) {
      return false;
    }
    running.add(run);
    return true;
  }

  private synchronized void end(PlannedRun run, int number, DoneRun ended) {
    running.remove(run);
    ending |= plan.repetition().endsAtFailure() && !ended.passed();
    done.put(number, new DoneRun(budget.keep(ended.report()), ended.commandStarted()));
  }

  private void writeReports(List<RunReport> runs) throws IOException {
    if (files.isPresent()) {
      files.get().write(runs);
    }
  }
}
