// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.machine.kernel.KernelModules;
import io.jkvm.machine.kernel.KernelRequirement;
import io.jkvm.machine.kernel.KernelRequirements;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.kernel.Purpose;
import io.jkvm.machine.kernellog.KernelEvent;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.results.Attachment;
import io.jkvm.machine.results.Excerpt;
import io.jkvm.machine.results.RunReport;
import io.jkvm.machine.results.TestCase;
import io.jkvm.machine.results.ktap.KtapParser;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.root.RootSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.testing.TestOutcome;
import io.jkvm.machine.testing.TestRun;
import io.jkvm.machine.testing.TestSpec;
import io.jkvm.machine.testing.TestStreams;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** One run of a plan: its machine, what it prints, and what is told of it. */
final class PlannedRun {
  private static final int HEAD_BYTES = 64 << 10;
  private static final int TAIL_BYTES = 256 << 10;

  private final TestPlan plan;
  private final KernelSource kernel;
  private final int number;
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
   * @param number among all runs, from 1
   * @param repetition on its kernel, from 1
   * @param input for the command, if it is to have any
   * @param out where its output goes too, beside what is kept
   */
  PlannedRun(
      TestPlan plan,
      KernelSource kernel,
      GuestRoot root,
      int number,
      int repetition,
      Optional<InputStream> input,
      OutputStream out,
      OutputStream err) {
    this.plan = plan;
    this.kernel = kernel;
    this.number = number;
    this.repetition = repetition;
    log = plan.logOf(number);
    MachineSpec asked = plan.machine().apply(kernel.image());
    MachineSpec machine =
        root.boot(asked).toBuilder()
            .name("test" + number)
            .commandLine(plan.quietBoot(asked.commandLine()) ? "loglevel=5" : "")
            .build();
    TestSpec spec =
        new TestSpec(
            machine,
            plan.command(),
            plan.limit(),
            plan.stall(),
            plan.failOn(),
            log,
            plan.showLog(),
            root.device());
    TestStreams streams =
        new TestStreams(
            input, new TeeStream(out, this::commandPrinted), new TeeStream(err, this::keep));
    run = new TestRun(spec, streams);
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
   * @throws MachineException if the machine can't be made
   */
  TestOutcome toEnd() throws InterruptedException {
    Thread check = new Thread(this::checkConfiguration, "test" + number + "/config");
    check.setDaemon(true);
    check.start();
    return run.run();
  }

  /** Beside the boot, which it would hold up: an image has to be unpacked for it. */
  private void checkConfiguration() {
    Set<Purpose> purposes = EnumSet.of(Purpose.COMMAND);
    if (plan.root().kind() == RootSpec.Kind.IMAGE) {
      purposes.add(Purpose.ROOT_IMAGE);
    }
    try {
      String missing =
          kernel.config().stream()
              .flatMap(config -> KernelRequirements.missing(config, purposes, modules()).stream())
              .filter(lack -> lack.requirement().level() == KernelRequirement.Level.NEEDED)
              .map(lack -> lack.options() + " (" + lack.requirement().reason() + ")")
              .collect(Collectors.joining(", "));
      if (!missing.isEmpty()) {
        run.refuse(
            "the kernel "
                + kernel.image()
                + " was built without "
                + missing
                + "; 'jkvm test --print-config' prints what it needs");
      }
    } catch (MachineException e) {
      return; // the machine says it better
    }
  }

  private Predicate<String> modules() {
    Optional<KernelModules> modules = KernelModules.find(kernel);
    return name -> modules.isPresent() && modules.get().has(name);
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
    if (plan.kernelTests()) {
      cases.addAll(outcome.kernelTests());
    }
    return RunReport.of(plan.name(), kernelName(), outcome.end(), outcome.status())
        .withRepetition(repetition)
        .withDetail(outcome.detail(), place(outcome))
        .withTime(outcome.began(), outcome.duration())
        .withCases(cases)
        .withKernelReports(outcome.events().stream().map(PlannedRun::attachment).toList())
        .withOutput(outputText(), log.map(Path::toString).orElse(""));
  }

  /** By its file: two builds of one tree have the same release, and are not the same kernel. */
  private String kernelName() {
    String release = kernel.release().map(name -> " (" + name + ")").orElse("");
    return plan.kernels().size() == 1 ? "" : kernel.image() + release;
  }

  private static Attachment attachment(KernelEvent event) {
    String kind = event.kind().name().toLowerCase(Locale.ROOT).replace('_', '-');
    int count = (int) Math.min(Integer.MAX_VALUE, event.count());
    return new Attachment(kind, event.title(), event.text(), count);
  }
}
