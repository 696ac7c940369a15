// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * One run of a command on a kernel.
 *
 * @param name of the test: of all its repetitions, and on every kernel
 * @param kernel which kernel; may be empty where there is one
 * @param repetition from 1 on
 * @param end how it ended
 * @param status the exit status that the run had
 * @param detail one line for a person; may be empty
 * @param place where the log shows the end; may be empty
 * @param start when it began
 * @param time how long it took
 * @param cases the tests that its output or the kernel's log told of
 * @param kernelReports what the kernel complained of
 * @param taint letters that the kernel's taint gained while the command ran; may be empty
 * @param output what the command printed, or an excerpt; may be long, reports show an excerpt
 * @param log path of the full log; may be empty
 */
public record RunReport(
    String name,
    String kernel,
    int repetition,
    EndClass end,
    int status,
    String detail,
    String place,
    Instant start,
    Duration time,
    List<TestCase> cases,
    List<Attachment> kernelReports,
    String taint,
    String output,
    String log) {
  /** Takes copies of the lists; tests of one name are numbered. Nothing may be null. */
  public RunReport {
    Objects.requireNonNull(kernel, "kernel");
    Objects.requireNonNull(end, "end");
    Objects.requireNonNull(detail, "detail");
    Objects.requireNonNull(place, "place");
    Objects.requireNonNull(start, "start");
    Objects.requireNonNull(time, "time");
    Objects.requireNonNull(taint, "taint");
    Objects.requireNonNull(output, "output");
    Objects.requireNonNull(log, "log");
    cases = TestCase.numbered(cases);
    kernelReports = List.copyOf(kernelReports);
    if (name.isEmpty()) {
      throw new IllegalArgumentException("a run without a name");
    }
    if (repetition < 1) {
      throw new IllegalArgumentException("repetition " + repetition);
    }
  }

  /** A run of which no more is known than how it ended; the rest by the methods "with". */
  public static RunReport of(String name, String kernel, EndClass end, int status) {
    return new Draft(name, kernel, end, status).report();
  }

  /** The same as another repetition, from 1 on. */
  public RunReport withRepetition(int number) {
    return with(draft -> draft.repetition = number);
  }

  /** The same with a line for a person, and the place in the log. */
  public RunReport withDetail(String line, String placeInLog) {
    return with(
        draft -> {
          draft.detail = line;
          draft.place = placeInLog;
        });
  }

  /** The same with its beginning and its duration. */
  public RunReport withTime(Instant beginning, Duration duration) {
    return with(
        draft -> {
          draft.start = beginning;
          draft.time = duration;
        });
  }

  /** The same with other tests. */
  public RunReport withCases(List<TestCase> tests) {
    return with(draft -> draft.cases = tests);
  }

  /** The same with other reports of the kernel's. */
  public RunReport withKernelReports(List<Attachment> reports) {
    return with(draft -> draft.kernelReports = reports);
  }

  /** The same with what the kernel's taint gained, as letters. */
  public RunReport withTaint(String letters) {
    return with(draft -> draft.taint = letters);
  }

  /** The same with what the command printed, and the path of the full log. */
  public RunReport withOutput(String excerpt, String path) {
    return with(
        draft -> {
          draft.output = excerpt;
          draft.log = path;
        });
  }

  private RunReport with(Consumer<Draft> change) {
    Draft draft = new Draft(name, kernel, end, status);
    draft.repetition = repetition;
    draft.detail = detail;
    draft.place = place;
    draft.start = start;
    draft.time = time;
    draft.cases = cases;
    draft.kernelReports = kernelReports;
    draft.taint = taint;
    draft.output = output;
    draft.log = log;
    change.accept(draft);
    return draft.report();
  }

  /** A report that is being put together. */
  private static final class Draft {
    private final String name;
    private final String kernel;
    private final EndClass end;
    private final int status;
    private int repetition = 1;
    private String detail = "";
    private String place = "";
    private Instant start = Instant.EPOCH;
    private Duration time = Duration.ZERO;
    private List<TestCase> cases = List.of();
    private List<Attachment> kernelReports = List.of();
    private String taint = "";
    private String output = "";
    private String log = "";

    Draft(String name, String kernel, EndClass end, int status) {
      this.name = name;
      this.kernel = kernel;
      this.end = end;
      this.status = status;
    }

    RunReport report() {
      return new RunReport(
          name,
          kernel,
          repetition,
          end,
          status,
          detail,
          place,
          start,
          time,
          cases,
          kernelReports,
          taint,
          output,
          log);
    }
  }

  /** Each test once, with its suites. */
  public List<TestCase.Leaf> leaves() {
    return TestCase.leaves(cases);
  }

  /** What became of the run as a whole; a pass needs an exit status of 0 and no bad test. */
  public Verdict verdict() {
    Verdict own = ownVerdict();
    if (own != Verdict.PASS || cases.isEmpty()) {
      return own;
    }
    List<TestCase.Leaf> leaves = leaves();
    if (leaves.stream().anyMatch(leaf -> leaf.test().verdict().isBad())) {
      return Verdict.FAIL;
    }
    for (Verdict only : List.of(Verdict.NO_TESTS, Verdict.SKIP)) {
      if (leaves.stream().allMatch(leaf -> leaf.test().verdict() == only)) {
        return only;
      }
    }
    return Verdict.PASS;
  }

  /** Whether it passed, or was skipped. */
  public boolean passed() {
    Verdict verdict = verdict();
    return verdict == Verdict.PASS || verdict == Verdict.SKIP;
  }

  /** What the end and the exit status say, whatever the tests. */
  Verdict ownVerdict() {
    return switch (end) {
      case EXITED -> status == 0 ? Verdict.PASS : Verdict.FAIL;
      case SIGNAL -> Verdict.FAIL;
      case LIMIT -> Verdict.TIMEOUT;
      default -> Verdict.ERROR;
    };
  }

  /**
   * Whether the run is to stand in a report beside its tests: there are none, or it went wrong in a
   * way that none of them shows.
   */
  boolean isTestOfItsOwn() {
    boolean shown =
        end.isVerdictOfCommand()
            && leaves().stream().anyMatch(leaf -> leaf.test().verdict().isBad());
    return cases.isEmpty() || (ownVerdict() != Verdict.PASS && !shown);
  }

  /** The end in a line: its class, the status where it is one, and the details. */
  public String endLine() {
    String line = end == EndClass.EXITED ? end.word() + " with status " + status : end.word();
    boolean isTold = end == EndClass.EXITED && detail.equals("status " + status);
    line = detail.isEmpty() || isTold ? line : line + ": " + detail;
    return place.isEmpty() ? line : line + " (" + place + ")";
  }

  /** Name, kernel and repetition, as far as they say something. */
  public String label() {
    String label = kernel.isEmpty() ? name : name + " on " + kernel;
    return repetition == 1 ? label : label + " #" + repetition;
  }
}
