// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.machine.assembly.HeldFiles;
import io.jkvm.machine.assembly.Host;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.kernellog.KernelEvent;
import io.jkvm.machine.kernellog.Taint;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.results.Attachment;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.Excerpt;
import io.jkvm.machine.results.RunReport;
import io.jkvm.machine.results.TestCase;
import io.jkvm.machine.results.Verdict;
import io.jkvm.machine.results.ktap.KtapParser;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.testing.TestOutcome;
import io.jkvm.machine.testing.TestRun;
import io.jkvm.machine.testing.TestSpec;
import io.jkvm.machine.testing.TestStreams;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** One run of a plan: its machine, what it prints, and what is told of it. */
final class PlannedRun {
  private static final int HEAD_BYTES = 64 << 10;
  private static final int TAIL_BYTES = 256 << 10;

  /** A pass of no test at all would be believed. */
  private static final String NO_KUNIT =
      "the kernel's log has no test results: CONFIG_KUNIT makes them, by kunit.enable=1 where"
          + " CONFIG_KUNIT_DEFAULT_ENABLED is not set";

  /**
   * A kernel that is tested.
   *
   * @param check of its configuration, shared by its runs
   * @param root the same
   */
  record Kernel(KernelSource source, KernelCheck check, GuestRoot root) {
    /** The machine of a run, less what tells it from others. */
    MachineSpec machine(TestPlan plan) {
      return root.boot(plan.machine().apply(source.image()));
    }
  }

  private final TestPlan plan;
  private final Kernel kernel;
  private final HeldFiles held;
  private final int repetition;
  private final TestRun run;
  private final Optional<Path> log;

  // Guarded by this.
  private final KtapParser commandTests = new KtapParser();
  private final Excerpt output = new Excerpt(HEAD_BYTES, TAIL_BYTES);
  private boolean cutLine;
  private boolean reported;

  /**
   * A run.
   *
   * @param held what others of several runs have, too
   * @param number among all runs, from 1
   * @param repetition on its kernel, from 1
   * @param input for the command, if it is to have any
   * @param out where its output goes too, beside what is kept
   */
  PlannedRun(
      TestPlan plan,
      Kernel kernel,
      HeldFiles held,
      int number,
      int repetition,
      Optional<InputStream> input,
      OutputStream out,
      OutputStream err) {
    this.plan = plan;
    this.kernel = kernel;
    this.held = held;
    this.repetition = repetition;
    log = plan.logOf(number);
    MachineSpec asked = kernel.machine(plan);
    MachineSpec machine =
        asked.toBuilder()
            .name("test" + number)
            .commandLine(plan.logLevel(asked.commandLine()))
            .build();
    boolean isOneOfMany = !plan.isSingle();
    TestSpec spec =
        new TestSpec(
            isOneOfMany ? held.hold(machine) : machine,
            plan.command(),
            plan.limits().time(),
            plan.limits().silence(),
            plan.limits().failOn(),
            isOneOfMany ? log.map(held::inHeldDirectory) : log,
            isOneOfMany,
            plan.log().isShown(),
            kernel.root().mounts());
    TestStreams streams =
        new TestStreams(
            input, new TeeStream(out, this::commandPrinted), new TeeStream(err, this::keep));
    run = new TestRun(spec, streams, kernel.check().result());
  }

  private synchronized void commandPrinted(byte[] bytes, int from, int length) {
    if (reported) {
      return; // a reader that came back to what was cut
    }
    commandTests.accept(bytes, from, length);
    keep(bytes, from, length);
  }

  private synchronized void keep(byte[] bytes, int from, int length) {
    output.accept(bytes, from, length);
    cutLine = length > 0 ? bytes[from + length - 1] != '\n' : cutLine;
  }

  /** Whether the command's last line has no end. */
  synchronized boolean hasCutLine() {
    return cutLine;
  }

  void interrupt() {
    run.interrupt();
  }

  /** What the command has printed, or its beginning and its end. */
  synchronized String outputText() {
    return output.text();
  }

  /**
   * Runs it.
   *
   * @param host of all runs
   * @throws MachineException if the machine can't be made
   */
  TestOutcome toEnd(Host host) throws InterruptedException {
    try {
      return run.run(host);
    } catch (MachineException e) {
      throw held.named(e);
    }
  }

  /** Where in the log's file the end can be seen; empty if that is not known. */
  String place(TestOutcome outcome) {
    return log.flatMap(
            file -> outcome.decisive().map(event -> "line " + event.line() + " of " + file))
        .orElse("");
  }

  /** The run as reports have it. */
  synchronized RunReport report(TestOutcome outcome) {
    reported = true;
    List<TestCase> cases = new ArrayList<>(commandTests.finish(outcome.end()).cases());
    if (plan.log().hasTests()) {
      cases.addAll(outcome.kernelTests());
      if (outcome.kernelTests().isEmpty() && outcome.end() == EndClass.EXITED) {
        cases.add(TestCase.of("KUnit", Verdict.ERROR, NO_KUNIT));
      }
    }
    return RunReport.of(
            plan.name(), kernelName(plan, kernel.source()), outcome.end(), outcome.status())
        .withRepetition(repetition)
        .withDetail(held.named(outcome.detail()), place(outcome))
        .withTime(outcome.began(), outcome.duration())
        .withCases(cases)
        .withKernelReports(outcome.events().stream().map(PlannedRun::attachment).toList())
        .withTaint(outcome.commandEnd().map(end -> Taint.letters(end.taint())).orElse(""))
        .withOutput(outputText(), log.map(Path::toString).orElse(""));
  }

  /** By its file: two builds of one tree have the same release, and are not the same kernel. */
  static String kernelName(TestPlan plan, KernelSource kernel) {
    String release = kernel.release().map(name -> " (" + name + ")").orElse("");
    return plan.kernels().size() == 1 ? "" : kernel.image() + release;
  }

  private static Attachment attachment(KernelEvent event) {
    String kind = event.kind().name().toLowerCase(Locale.ROOT).replace('_', '-');
    int count = (int) Math.min(Integer.MAX_VALUE, event.count());
    return new Attachment(kind, event.title(), event.text(), count);
  }
}
