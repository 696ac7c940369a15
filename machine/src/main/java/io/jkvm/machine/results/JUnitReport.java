// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Runs as JUnit XML, in the dialect that Jenkins, GitLab and GitHub's actions read: a suite for
 * each run, a test case for each test. A run that told of no tests, or went wrong in a way that
 * none of them shows, is a test case of its own, with the class of its end as the type of its
 * failure. Always well-formed: what XML can't hold is written as {@code \xNN}.
 */
public final class JUnitReport {
  /** Of what one element shows; a CI keeps all of a report in memory. */
  static final int MAX_TEXT = 64 << 10;

  private static final int MAX_MESSAGE = 512;
  private static final int MAX_FLAKY = 100;

  private final RunSet runs;
  private final List<RunSet.Flaky> allFlaky;

  /** A report of these runs. */
  public JUnitReport(RunSet runs) {
    this.runs = runs;
    this.allFlaky = runs.flaky();
  }

  /**
   * Writes the report to a file, all or nothing.
   *
   * @throws IOException names the file
   */
  public void write(Path file) throws IOException {
    try (ReportFile report = ReportFile.open(file)) {
      report.write(this::write);
    }
  }

  /** Writes the report; the stream stays open. */
  public void write(OutputStream out) throws IOException {
    Writer writer = new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8));
    write(new XmlWriter(writer));
    writer.flush();
  }

  private void write(XmlWriter xml) throws IOException {
    List<Suite> suites = new ArrayList<>();
    for (RunReport run : runs.runs()) {
      suites.add(Suite.of(run));
    }
    xml.start("testsuites");
    xml.attribute("name", "jkvm");
    xml.attribute("tests", suites.stream().mapToLong(suite -> suite.cases.size()).sum());
    xml.attribute("failures", suites.stream().mapToLong(Suite::failures).sum());
    xml.attribute("errors", suites.stream().mapToLong(Suite::errors).sum());
    xml.attribute("time", seconds(total()));
    for (Suite suite : suites) {
      write(xml, suite);
    }
    xml.end();
  }

  private Duration total() {
    return runs.runs().stream().map(RunReport::time).reduce(Duration.ZERO, Duration::plus);
  }

  /** One run's test cases; the run's own, if there is one, is the first. */
  private record Suite(RunReport run, boolean ownCase, List<TestCase.Leaf> cases) {
    static Suite of(RunReport run) {
      List<TestCase.Leaf> cases = new ArrayList<>();
      boolean own = run.isTestOfItsOwn();
      if (own) {
        TestCase test =
            new TestCase(
                run.name(),
                run.ownVerdict(),
                run.endLine(),
                Optional.of(run.time()),
                "",
                List.of());
        cases.add(new TestCase.Leaf(List.of(), test));
      }
      cases.addAll(run.leaves());
      return new Suite(run, own, cases);
    }

    private long count(Verdict... verdicts) {
      List<Verdict> wanted = List.of(verdicts);
      return cases.stream().filter(leaf -> wanted.contains(leaf.test().verdict())).count();
    }

    long failures() {
      return count(Verdict.FAIL) + (cases.stream().filter(this::isTestTimeout).count());
    }

    long errors() {
      return cases.stream().filter(leaf -> leaf.test().verdict().isBad()).count() - failures();
    }

    long skipped() {
      return count(Verdict.SKIP, Verdict.XFAIL, Verdict.NOT_RUN, Verdict.NO_TESTS);
    }

    /** A test's own limit is a failure of the test; the end of the run is not. */
    boolean isTestTimeout(TestCase.Leaf leaf) {
      return leaf.test().verdict() == Verdict.TIMEOUT && !isOwn(leaf);
    }

    boolean isOwn(TestCase.Leaf leaf) {
      return ownCase && leaf == cases.get(0);
    }
  }

  private void write(XmlWriter xml, Suite suite) throws IOException {
    RunReport run = suite.run;
    xml.start("testsuite");
    xml.attribute("name", line(run.label()));
    xml.attribute("tests", suite.cases.size());
    xml.attribute("failures", suite.failures());
    xml.attribute("errors", suite.errors());
    xml.attribute("skipped", suite.skipped());
    xml.attribute("time", seconds(run.time()));
    xml.attribute(
        "timestamp", run.start().truncatedTo(ChronoUnit.SECONDS).toString().replace("Z", ""));
    properties(xml, run);
    for (TestCase.Leaf leaf : suite.cases) {
      testCase(xml, suite, leaf);
    }
    if (!suite.ownCase) {
      outputs(xml, run);
    }
    xml.end();
  }

  private void properties(XmlWriter xml, RunReport run) throws IOException {
    xml.start("properties");
    property(xml, "kernel", run.kernel());
    property(xml, "repetition", Integer.toString(run.repetition()));
    property(xml, "end", run.end().word());
    property(xml, "status", Integer.toString(run.status()));
    property(xml, "detail", run.detail());
    property(xml, "place", run.place());
    property(xml, "taint", run.taint());
    property(xml, "log", run.log());
    int left = MAX_FLAKY;
    for (RunSet.Flaky flaky : allFlaky) {
      boolean here = flaky.name().equals(run.name()) && flaky.kernel().equals(run.kernel());
      if (here && left-- > 0) {
        property(xml, "flaky", flaky.path().isEmpty() ? run.name() : flaky.path());
      }
    }
    xml.end();
  }

  private static void property(XmlWriter xml, String name, String value) throws IOException {
    if (!value.isEmpty()) {
      xml.start("property");
      xml.attribute("name", name);
      xml.attribute("value", line(value));
      xml.end();
    }
  }

  private static void testCase(XmlWriter xml, Suite suite, TestCase.Leaf leaf) throws IOException {
    TestCase test = leaf.test();
    xml.start("testcase");
    xml.attribute("name", name(test));
    xml.attribute("classname", className(suite.run, leaf));
    xml.attribute("time", seconds(test.time().orElse(Duration.ZERO)));
    result(xml, suite, leaf);
    if (suite.isOwn(leaf)) {
      outputs(xml, suite.run);
    }
    xml.end();
  }

  /** One of blanks and colours alone would be no name to those who read the report. */
  private static String name(TestCase test) {
    String shown = line(test.name());
    boolean blank =
        shown.codePoints().allMatch(c -> Character.isWhitespace(c) || Character.isSpaceChar(c));
    return blank ? "(blank name)" : shown;
  }

  /** The run, its kernel and the suites: what makes a test another one than one of its name. */
  private static String className(RunReport run, TestCase.Leaf leaf) {
    List<String> parts = new ArrayList<>();
    parts.add(run.label());
    parts.addAll(leaf.suites());
    return line(String.join(".", parts));
  }

  private static void result(XmlWriter xml, Suite suite, TestCase.Leaf leaf) throws IOException {
    TestCase test = leaf.test();
    String word = test.verdict().word();
    String reason = test.reason().isEmpty() ? word : test.reason();
    boolean own = suite.isOwn(leaf);
    switch (test.verdict()) {
      case PASS -> {}
      case SKIP -> skipped(xml, reason);
      case XFAIL -> skipped(xml, "expected failure: " + reason);
      case NOT_RUN, NO_TESTS ->
          skipped(
              xml,
              test.reason().isEmpty()
                  ? word.replace('-', ' ')
                  : word.replace('-', ' ') + ": " + reason);
      default -> {
        boolean failure = test.verdict() == Verdict.FAIL || suite.isTestTimeout(leaf);
        xml.start(failure ? "failure" : "error");
        xml.attribute("type", own ? suite.run.end().word() : word);
        xml.attribute("message", line(reason));
        String text = own ? "" : test.excerpt();
        if (!text.isEmpty()) {
          xml.text(bounded(text, ""));
        }
        xml.end();
      }
    }
  }

  private static void skipped(XmlWriter xml, String message) throws IOException {
    xml.start("skipped");
    xml.attribute("message", line(message));
    xml.end();
  }

  private static void outputs(XmlWriter xml, RunReport run) throws IOException {
    if (!run.output().isEmpty()) {
      xml.start("system-out");
      xml.text(bounded(run.output(), ""));
      xml.end();
    }
    if (!run.kernelReports().isEmpty()) {
      StringBuilder all = new StringBuilder();
      for (Attachment report : run.kernelReports()) {
        all.append('[').append(report.kind()).append("] ").append(report.title());
        all.append(report.count() == 1 ? "" : " (" + report.count() + " times)").append('\n');
        all.append(bounded(report.text(), run.log()))
            .append(report.text().endsWith("\n") ? "\n" : "\n\n");
        if (all.length() > 4 * MAX_TEXT) {
          break;
        }
      }
      xml.start("system-err");
      xml.text(bounded(all.toString(), run.log()));
      xml.end();
    }
  }

  /** Not longer than a report may have it; the path of the file that has all, or empty. */
  private static String bounded(String text, String path) {
    return Excerpt.of(PrintableText.withoutSequences(text), MAX_TEXT, path);
  }

  private static String line(String text) {
    return PrintableText.forLine(text, MAX_MESSAGE);
  }

  private static String seconds(Duration time) {
    Duration shown = time.isNegative() ? Duration.ZERO : time; // the schemas know no other
    return String.format(Locale.ROOT, "%d.%03d", shown.toSeconds(), shown.toMillisPart());
  }
}
