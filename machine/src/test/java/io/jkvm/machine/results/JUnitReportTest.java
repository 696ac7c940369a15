// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.results.ktap.KtapParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** JUnit XML that every reader takes, whatever a guest printed. Traps, rows 53 and 54. */
class JUnitReportTest {
  private static final RunReport PASS = RunReport.of("boot", "6.12", EndClass.EXITED, 0);

  private static byte[] bytes(RunReport... runs) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    new JUnitReport(new RunSet(List.of(runs))).write(out);
    return out.toByteArray();
  }

  private static Document report(RunReport... runs) throws Exception {
    return Xml.parse(bytes(runs));
  }

  private static RunReport with(TestCase... cases) {
    return PASS.withCases(List.of(cases));
  }

  private static Element only(Document document, String name) {
    List<Element> elements = Xml.elements(document, name);
    assertEquals(1, elements.size(), name);
    return elements.get(0);
  }

  /** What each test case is shown as. */
  private static String shown(Document document) {
    return Xml.elements(document, "testcase").stream()
        .map(
            test -> {
              String line = test.getAttribute("classname") + "|" + test.getAttribute("name");
              for (String kind : List.of("failure", "error", "skipped")) {
                if (test.getElementsByTagName(kind).item(0) instanceof Element element) {
                  String type = element.getAttribute("type");
                  line += "|" + (type.isEmpty() ? kind : kind + " " + type);
                  line += ": " + element.getAttribute("message");
                }
              }
              return line + "\n";
            })
        .collect(Collectors.joining());
  }

  private static String counts(Element suite) {
    return suite.getAttribute("tests")
        + " tests, "
        + suite.getAttribute("failures")
        + " failures, "
        + suite.getAttribute("errors")
        + " errors, "
        + suite.getAttribute("skipped")
        + " skipped";
  }

  @Test
  void everyVerdictHasItsElement() throws Exception {
    List<TestCase> cases =
        java.util.Arrays.stream(Verdict.values())
            .map(verdict -> TestCase.of("t-" + verdict.word(), verdict, "why"))
            .toList();
    Document document = report(PASS.withCases(cases));
    assertEquals(
        """
        boot on 6.12|t-pass
        boot on 6.12|t-fail|failure fail: why
        boot on 6.12|t-skip|skipped: why
        boot on 6.12|t-xfail|skipped: expected failure: why
        boot on 6.12|t-error|error error: why
        boot on 6.12|t-not-run|skipped: not run: why
        boot on 6.12|t-timeout|failure timeout: why
        boot on 6.12|t-no-tests|skipped: no tests: why
        """,
        shown(document));
    assertEquals("8 tests, 2 failures, 1 errors, 4 skipped", counts(only(document, "testsuite")));
    assertEquals("2", document.getDocumentElement().getAttribute("failures"));
    assertEquals("1", document.getDocumentElement().getAttribute("errors"));
  }

  @Test
  void suitesAreTheClassName() throws Exception {
    TestCase inner = TestCase.of("a", Verdict.FAIL, "");
    TestCase suite = new TestCase("net", Verdict.FAIL, "", Optional.empty(), "", List.of(inner));
    TestCase outer = new TestCase("all", Verdict.FAIL, "", Optional.empty(), "", List.of(suite));
    assertEquals("boot on 6.12.all.net|a|failure fail: fail\n", shown(report(with(outer))));
  }

  @ParameterizedTest
  @EnumSource(EndClass.class)
  void aRunWithoutTestsIsOneCase(EndClass end) throws Exception {
    RunReport run =
        RunReport.of("boot", "", end, 7).withDetail("details", "line 12").withOutput("out", "");
    Document document = report(run);
    String kind = end.isVerdictOfCommand() ? "failure " : "error ";
    String status = end == EndClass.EXITED ? " with status 7" : "";
    assertEquals(
        "boot|boot|" + kind + end.word() + ": " + end.word() + status + ": details (line 12)\n",
        shown(document));
    String counts = end.isVerdictOfCommand() ? "1 failures, 0 errors" : "0 failures, 1 errors";
    assertEquals("1 tests, " + counts + ", 0 skipped", counts(only(document, "testsuite")));
    assertEquals("testcase", only(document, "system-out").getParentNode().getNodeName());
  }

  @Test
  void aRunThatPassedWithoutTestsIsOneCase() throws Exception {
    assertEquals("boot on 6.12|boot\n", shown(report(PASS)));
  }

  @Test
  void resultsStandBesideThePanicBehindThem() throws Exception {
    RunReport run =
        RunReport.of("kunit", "", EndClass.PANIC, 201)
            .withCases(List.of(TestCase.of("a", Verdict.PASS, "")));
    assertEquals("kunit|kunit|error panic: panic\nkunit|a\n", shown(report(run)));
  }

  @Test
  void anExitStatusThatNoTestExplainsIsACase() throws Exception {
    TestCase good = TestCase.of("a", Verdict.PASS, "");
    TestCase bad = TestCase.of("a", Verdict.FAIL, "");
    RunReport run = RunReport.of("x", "", EndClass.EXITED, 3);
    assertEquals(
        "x|x|failure exited: exited with status 3\nx|a\n",
        shown(report(run.withCases(List.of(good)))));
    assertEquals("x|a|failure fail: fail\n", shown(report(run.withCases(List.of(bad)))));
  }

  @Test
  void timesAreSeconds() throws Exception {
    TestCase slow =
        new TestCase("a", Verdict.PASS, "", Optional.of(Duration.ofMillis(5693)), "", List.of());
    Document document =
        report(with(slow).withTime(Instant.parse("2026-02-03T04:05:06.789Z"), Duration.ofHours(2)));
    assertEquals("5.693", only(document, "testcase").getAttribute("time"));
    assertEquals("7200.000", only(document, "testsuite").getAttribute("time"));
    assertEquals("2026-02-03T04:05:06", only(document, "testsuite").getAttribute("timestamp"));
    document = report(PASS.withTime(Instant.EPOCH, Duration.ofMillis(-500)));
    assertEquals("0.000", only(document, "testsuite").getAttribute("time"), "schemas want it so");
  }

  @Test
  void whatXmlCannotHoldIsShown() throws Exception {
    String hostile =
        "\u001b[1;31mred\u001b[0m \0 \b \u007f \u0085 \ufffe \uffff \ud800 \udc00x ]]> &#27; <a>&\"'"
            + " \u001b]0;title\u0007 \ud83d\ude00 \u001b[12";
    String shown =
        "red \\x00 \\x08 \\x7f \\u0085 \\ufffe \\uffff \\ud800 \\udc00x ]]> &#27; <a>&\"'"
            + "  \ud83d\ude00 ";
    RunReport run =
        PASS.withCases(
                List.of(
                    new TestCase(
                        hostile, Verdict.FAIL, hostile, Optional.empty(), hostile, List.of())))
            .withKernelReports(List.of(new Attachment("warning", hostile, hostile, 1)))
            .withDetail(hostile, hostile)
            .withOutput(hostile, hostile);
    Document document = report(run);
    assertEquals(shown, only(document, "system-out").getTextContent());
    assertEquals(shown, only(document, "failure").getTextContent());
    assertEquals(shown.strip(), only(document, "failure").getAttribute("message"));
    assertEquals(shown.strip(), only(document, "testcase").getAttribute("name"));
  }

  @Test
  void aNameThatShowsNothingIsSaidToBeOne() throws Exception {
    for (String name : List.of(" ", "\u00a0", "\u001b[31m\u001b[0m")) {
      Document document = report(with(TestCase.of(name, Verdict.PASS, "")));
      assertEquals("(blank name)", only(document, "testcase").getAttribute("name"));
    }
  }

  @Test
  void linesStayLinesInTextAndInAttributes() throws Exception {
    Document document = report(PASS.withOutput("a\r\nb\tc\rd\n", ""));
    assertEquals("a\nb\tc\rd\n", only(document, "system-out").getTextContent());
    document = report(with(TestCase.of("a\nb\t\"c\"", Verdict.PASS, "")));
    assertEquals("a\\x0ab\\x09\"c\"", only(document, "testcase").getAttribute("name"));
  }

  @Test
  void bytesThatAreNoUtf8AreShown() throws Exception {
    KtapParser parser = new KtapParser();
    parser.accept("TAP version 13\n# gr".getBytes(StandardCharsets.US_ASCII));
    parser.accept(
        new byte[] {(byte) 0xfc, 'n', '\n', 'n', 'o', 't', ' ', 'o', 'k', ' ', '1', '\n'});
    Document document = report(PASS.withCases(parser.finish(EndClass.EXITED).cases()));
    assertEquals("# gr\\xfcn\n", only(document, "failure").getTextContent());
  }

  @Test
  void randomTextIsAlwaysWellFormed() throws Exception {
    Random random = new Random(54);
    for (int round = 0; round < 200; round++) {
      StringBuilder text = new StringBuilder("x");
      for (int i = 0; i < 100; i++) {
        text.append((char) random.nextInt(random.nextBoolean() ? 0x100 : 0x10000));
        text.append(random.nextInt(8) == 0 ? "\u001b[" : "");
      }
      String hostile = text.toString();
      TestCase test =
          new TestCase(hostile, Verdict.ERROR, hostile, Optional.empty(), hostile, List.of());
      report(with(test).withOutput(hostile, hostile).withDetail(hostile, hostile));
    }
  }

  @Test
  void aLongOutputIsAnExcerpt() throws Exception {
    String output = "first\n" + "0123456789abcde\n".repeat(20 << 16) + "last\n";
    RunReport run = PASS.withOutput(output, "/var/log/jkvm/boot.log");
    byte[] report = bytes(run);
    assertTrue(report.length < 2 * JUnitReport.MAX_TEXT, "" + report.length);
    String shown = only(Xml.parse(report), "system-out").getTextContent();
    assertTrue(shown.startsWith("first\n"));
    assertTrue(shown.endsWith("last\n"));
    assertFalse(shown.contains("boot.log"), "that is the kernel's");
  }

  @Test
  void aLongReportOfTheKernelsIsAnExcerptWithThePathOfItsLog() throws Exception {
    String report = "first\n" + "0123456789abcde\n".repeat(20 << 16) + "last\n";
    RunReport run =
        PASS.withOutput("", "/var/log/jkvm/boot.log")
            .withKernelReports(List.of(new Attachment("oops", "first", report, 1)));
    String shown = only(Xml.parse(bytes(run)), "system-err").getTextContent();
    assertTrue(shown.contains("all of it: /var/log/jkvm/boot.log"), "the path");
  }

  @Test
  void theKernelsReportsAreSystemErrWithTheirCounts() throws Exception {
    RunReport run =
        with(TestCase.of("a", Verdict.PASS, ""))
            .withKernelReports(
                List.of(
                    new Attachment(
                        "warning", "WARNING: at a.c:1 f", "WARNING: at a.c:1 f\n f+0x1\n", 50),
                    new Attachment(
                        "hung-task", "INFO: task x blocked", "INFO: task x blocked", 1)));
    Element err = only(report(run), "system-err");
    assertEquals("testsuite", err.getParentNode().getNodeName());
    assertEquals(
        """
        [warning] WARNING: at a.c:1 f (50 times)
        WARNING: at a.c:1 f
         f+0x1

        [hung-task] INFO: task x blocked
        INFO: task x blocked

        """,
        err.getTextContent());
  }

  @Test
  void repetitionsAndKernelsAreSuitesOfTheirOwnAndFlakyTestsAreCalledSo() throws Exception {
    RunReport bad = with(TestCase.of("a", Verdict.FAIL, ""));
    Document document =
        report(
            with(TestCase.of("a", Verdict.PASS, "")),
            bad.withRepetition(2),
            RunReport.of("boot", "6.1", EndClass.EXITED, 0));
    assertEquals(
        "boot on 6.12|a\nboot on 6.12 #2|a|failure fail: fail\nboot on 6.1|boot\n",
        shown(document));
    List<String> flaky =
        Xml.elements(document, "property").stream()
            .filter(property -> property.getAttribute("name").equals("flaky"))
            .map(property -> property.getAttribute("value"))
            .toList();
    assertEquals(List.of("boot", "a", "boot", "a"), flaky);
  }

  @Test
  void noRunsIsAReportToo() throws Exception {
    assertEquals("0", report().getDocumentElement().getAttribute("tests"));
  }

  @Test
  void theFileIsReplacedAsAWhole(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("report.xml");
    Files.writeString(file, "before");
    new JUnitReport(new RunSet(List.of(PASS))).write(file);
    Xml.parse(Files.readAllBytes(file));
    Path link = Files.createSymbolicLink(directory.resolve("link.xml"), file);
    new JUnitReport(new RunSet(List.of())).write(link);
    assertTrue(Files.isSymbolicLink(link));
    assertFalse(Files.readString(file).contains("boot"));
    try (var files = Files.list(directory)) {
      assertEquals(2, files.count());
    }
  }

  @Test
  void anErrorNamesTheFileAndLeavesNothing(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("absent").resolve("report.xml");
    IOException e =
        assertThrows(
            IOException.class, () -> new JUnitReport(new RunSet(List.of(PASS))).write(file));
    assertEquals(
        "report " + file + " can't be written: its directory does not exist", e.getMessage());

    Path target = directory.resolve("report.xml");
    Files.writeString(target, "before");
    e =
        assertThrows(
            IOException.class,
            () -> {
              try (ReportFile report = ReportFile.open(target)) {
                report.write(
                    out -> {
                      out.write(1);
                      throw new IOException("No space left on device");
                    });
              }
            });
    assertEquals("report " + target + " can't be written: No space left on device", e.getMessage());
    assertEquals("before", Files.readString(target));
    try (var files = Files.list(directory)) {
      assertEquals(1, files.count());
    }
  }
}
