// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.launcher.option.KernelFinder;
import io.jkvm.launcher.option.TimeOption;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.launcher.testing.LastLine;
import io.jkvm.launcher.testing.RawArguments;
import io.jkvm.launcher.testing.TestPlan;
import io.jkvm.launcher.testing.TestSession;
import io.jkvm.machine.kernel.KernelRequirements;
import io.jkvm.machine.kernel.Purpose;
import io.jkvm.machine.kernellog.FailOn;
import io.jkvm.machine.testing.TestOutcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code jkvm test}: runs a command on a kernel and ends with its status. */
@Command(
    name = "test",
    sortOptions = false,
    exitCodeOnInvalidInput = TestOutcome.SETUP,
    exitCodeOnExecutionException = TestOutcome.SETUP,
    description = {
      "Boots a kernel, runs a command in it and ends with the command's own exit status. Standard"
          + " input, output and error are the command's; the kernel's log goes elsewhere.",
      "The last line on standard error tells the class of the end and the status.",
      ""
    },
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      "0-255:the command's own; the class is 'exited'",
      TestOutcome.LIMIT + ":limit: --timeout is over",
      TestOutcome.SETUP + ":setup: wrong usage, the host, a file, or what the guest lacks",
      "126:setup: the command is there, but can't be executed",
      "127:setup: there is no such command",
      "128+n:signal: signal n ended the command; or jkvm itself",
      TestOutcome.PANIC + ":panic: the kernel panicked",
      TestOutcome.OOPS + ":oops: the kernel reported what --fail-on names",
      TestOutcome.LOCKUP + ":lockup: a CPU, RCU or a task hung, as the kernel reported",
      TestOutcome.STALL + ":stall: silence for longer than --stall",
      TestOutcome.OUT_OF_MEMORY + ":out-of-memory: the OOM killer took the command",
      TestOutcome.GONE + ":gone: the guest reset, powered off or died, or its agent is gone",
    },
    footer = {
      "",
      "Examples:",
      "",
      "  jkvm test --kernel ~/linux -- ./my_test --fast",
      "  jkvm test --kernel bzImage --junit report.xml -- sh -c 'exit 42'",
      "  jkvm test --kernel a/bzImage --kernel b/bzImage --repeat 20 --jobs 2 -- ./my_test",
      "  git bisect run sh -c 'make -j8 olddefconfig bzImage || exit 125;"
          + " exec jkvm test --bisect -k . -- ~/my_test'"
    })
public final class TestCommand implements Callable<Integer> {
  @CommandLine.Spec private CommandSpec spec;

  @Mixin private GuestOptions guest;

  @Option(
      names = {"-t", "--timeout"},
      paramLabel = "TIME",
      description =
          "The most that a run may take, boot included: 500ms, 60s, 5m (default: no limit).")
  private String timeout;

  @Option(
      names = "--stall",
      paramLabel = "TIME",
      description = "End a run when neither the command nor the kernel says anything for so long.")
  private String stall;

  @Option(
      names = "--fail-on",
      paramLabel = "WHAT,...",
      split = ",",
      description = {
        "Which reports of the kernel are failures, beside a panic: oops, bug, warning, lockup, rcu,"
            + " hung-task, oom, lockdep, kmemleak, sanitizer, all or none"
            + " (default: oops,bug,lockup,rcu)."
      })
  private List<String> failOn = List.of();

  @Option(
      names = "--log",
      paramLabel = "FILE",
      description =
          "Write all of the kernel's log to a file; with several runs k.log is k-1.log, k-2.log...")
  private Path log;

  @Option(
      names = "--kunit",
      description = "Take the kernel's log for test results as well, as of KUnit.")
  private boolean kunit;

  @Option(names = "--junit", paramLabel = "FILE", description = "Write a report as JUnit XML.")
  private Path junit;

  @Option(names = "--json", paramLabel = "FILE", description = "Write a report as JSON.")
  private Path json;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "1",
      description = "Run N times, each in a machine of its own.")
  private int repeat;

  @Option(
      names = "--jobs",
      paramLabel = "M",
      defaultValue = "1",
      description = "Run M of them at a time.")
  private int jobs;

  @Option(
      names = "--stop-on",
      paramLabel = "fail",
      description = "Begin no more runs after one that fails.")
  private StopOn stopOn;

  @Option(
      names = "--bisect",
      description = {
        "End with what 'git bisect run' understands: 0 good, 1 bad (also a panic or a hang), 125"
            + " where jkvm itself could not do it."
      })
  private boolean bisect;

  @Option(
      names = "--bisect-skip-boot",
      description =
          "The same, but 125, not 1, for a kernel that does not come as far as the command.")
  private boolean bisectSkipBoot;

  @Option(
      names = "--print-config",
      description =
          "Print what a kernel needs for the other options given, and what is recommended, as a"
              + " fragment for merge_config.sh, and end.")
  private boolean printConfig;

  @Mixin private MachineOptions machine;

  @Mixin private OutputOptions output;

  @Parameters(
      paramLabel = "COMMAND",
      arity = "0..*",
      description = "The command and its arguments, behind '--'.")
  private List<String> command = List.of();

  /** When to begin no more runs. */
  public enum StopOn {
    /** After a run that fails. */
    fail
  }

  @Override
  public Integer call() throws Exception {
    if (printConfig) {
      spec.commandLine().getOut().print(KernelRequirements.fragment(purposes()));
      spec.commandLine().getOut().flush();
      return 0;
    }
    if (command.isEmpty() || command.get(0).isEmpty()) {
      throw new ParameterException(spec.commandLine(), "no command; write it behind '--'");
    }
    if (repeat < 1 || jobs < 1) {
      throw new ParameterException(spec.commandLine(), "--repeat and --jobs are 1 or more");
    }
    if ((long) repeat * Math.max(1, guest.kernels().size()) > TestPlan.MAX_RUNS) {
      throw new ParameterException(
          spec.commandLine(), "--repeat: there are " + TestPlan.MAX_RUNS + " runs at most");
    }
    Reporter reporter = output.reporter(spec.commandLine().getErr());
    TestSession session;
    try {
      session = new TestSession(plan(reporter), reporter);
    } catch (IOException e) {
      reporter.error(LastLine.setup(e.getMessage()));
      return TestOutcome.SETUP;
    }
    int status = session.run();
    return bisect || bisectSkipBoot ? session.bisectStatus(bisectSkipBoot) : status;
  }

  /** What a kernel has to be able to do with these options; reports are for all. */
  private Set<Purpose> purposes() {
    RootOptions root = new RootOptions(guest);
    Set<Purpose> purposes = root.spec("true").purposes(machine.spec(Path.of("."), root.image()));
    purposes.add(Purpose.REPORTS);
    if (kunit) {
      purposes.add(Purpose.KUNIT);
    }
    return purposes;
  }

  private TestPlan plan(Reporter reporter) throws IOException {
    List<byte[]> arguments = RawArguments.last(command);
    List<Path> kernels = guest.kernels();
    if (kernels.isEmpty()) {
      Path found = KernelFinder.usualPlaces().find();
      reporter.note("kernel " + found);
      kernels = List.of(found);
    }
    RootOptions root = new RootOptions(guest);
    // What is wrong with an option is said before a run.
    List<Path> read = new ArrayList<>(machine.files(root.image()));
    read.addAll(root.files(command.get(0)));
    for (Path kernel : kernels) {
      read.add(WrittenFiles.image(kernel));
    }
    new WrittenFiles(spec.commandLine())
        .addOfEach("--log", Optional.ofNullable(log), repeat * kernels.size())
        .add("--junit", Optional.ofNullable(junit))
        .add("--json", Optional.ofNullable(json))
        .check(read);
    return new TestPlan(
        new String(arguments.get(0), StandardCharsets.UTF_8),
        kernels,
        kernel -> machine.spec(kernel, root.image()),
        known -> root.spec(command.get(0), known, reporter),
        guest.command(arguments),
        new TestPlan.Limits(time("--timeout", timeout), time("--stall", stall), failures()),
        new TestPlan.Log(Optional.ofNullable(log), output.isVerbose(), kunit),
        new TestPlan.Reports(Optional.ofNullable(junit), Optional.ofNullable(json)),
        new TestPlan.Repetition(repeat, jobs, stopOn != null));
  }

  /** Which of the kernel's reports are failures. */
  private FailOn failures() {
    if (failOn.isEmpty()) {
      return FailOn.DEFAULT;
    }
    try {
      return FailOn.of(failOn);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--fail-on: " + e.getMessage(), e);
    }
  }

  private Optional<Duration> time(String option, String value) {
    if (value == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(TimeOption.parse(value));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), option + ": " + e.getMessage(), e);
    }
  }
}
