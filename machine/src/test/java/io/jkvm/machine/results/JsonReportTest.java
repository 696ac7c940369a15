// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.jkvm.core.testing.ProjectFiles;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class JsonReportTest {
  private static final TestCase INNER =
      new TestCase(
          "a", Verdict.FAIL, "why", Optional.of(Duration.ofMillis(1250)), "printed", List.of());
  private static final TestCase SUITE =
      new TestCase("suite", Verdict.FAIL, "", Optional.empty(), "", List.of(INNER));
  private static final RunReport RUN =
      RunReport.of("boot", "6.12", EndClass.OUT_OF_MEMORY, 210)
          .withDetail("killed", "line 3")
          .withTime(Instant.parse("2026-02-03T04:05:06Z"), Duration.ofNanos(1_500_000_001))
          .withCases(List.of(SUITE))
          .withKernelReports(List.of(new Attachment("warning", "WARNING: x", "text", 2)))
          .withTaint("DW")
          .withOutput("out", "/log");

  private static byte[] bytes(RunReport... runs) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    new JsonReport(new RunSet(List.of(runs))).write(out);
    return out.toByteArray();
  }

  /** Each value by its path. */
  private static Map<String, String> values(byte[] json) throws IOException {
    Map<String, String> values = new TreeMap<>();
    try (JsonParser parser = new JsonFactory().createParser(json)) {
      for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
        if (token.isScalarValue()) {
          String path = parser.getParsingContext().pathAsPointer().toString();
          values.put(path, parser.getText());
        }
      }
    }
    return values;
  }

  @Test
  void everythingIsThere() throws Exception {
    Map<String, String> values = values(bytes(RUN, RUN.withRepetition(2)));
    assertEquals("1", values.get("/format"));
    assertEquals("false", values.get("/passed"));
    assertEquals("2", values.get("/runCounts/error"));
    assertEquals("2", values.get("/caseCounts/fail"));
    Map<String, String> run = new TreeMap<>();
    values.forEach(
        (path, value) -> {
          if (path.startsWith("/runs/1/")) {
            run.put(path.substring(8), value);
          }
        });
    assertEquals(
        """
        cases/0/cases/0/excerpt=printed
        cases/0/cases/0/name=a
        cases/0/cases/0/reason=why
        cases/0/cases/0/seconds=1.25
        cases/0/cases/0/verdict=fail
        cases/0/excerpt=
        cases/0/name=suite
        cases/0/reason=
        cases/0/verdict=fail
        detail=killed
        end=out-of-memory
        kernel=6.12
        kernelReports/0/count=2
        kernelReports/0/kind=warning
        kernelReports/0/text=text
        kernelReports/0/title=WARNING: x
        log=/log
        name=boot
        output=out
        place=line 3
        repetition=2
        seconds=1.500000001
        start=2026-02-03T04:05:06Z
        status=210
        taint=DW
        verdict=error
        """,
        String.join("\n", run.entrySet().stream().map(Object::toString).toList()) + "\n");
  }

  @Test
  void flakyTestsAreListed() throws Exception {
    RunReport pass = RunReport.of("boot", "6.12", EndClass.EXITED, 0);
    Map<String, String> values = values(bytes(pass, RUN.withRepetition(2)));
    assertEquals("boot", values.get("/flaky/0/name"));
    assertEquals("6.12", values.get("/flaky/0/kernel"));
    assertEquals("", values.get("/flaky/0/path"));
    assertEquals("1", values.get("/flaky/0/passed"));
    assertEquals("1", values.get("/flaky/0/failed"));
  }

  @Test
  void hostileTextIsJsonAndLongTextIsCut() throws Exception {
    String hostile = "\u001b[31m\0\"\\\ud800 \udc00 \ud83d\ude00\ufffe\u2028</script>";
    Map<String, String> values = values(bytes(RUN.withOutput(hostile, hostile)));
    assertEquals(
        hostile.replace("\ud800 ", "\\ud800 ").replace(" \udc00", " \\udc00"),
        values.get("/runs/0/output"));
    byte[] large = bytes(RUN.withOutput("x".repeat(20 << 20), "/log"));
    assertTrue(large.length < 2 * JsonReport.MAX_TEXT, "" + large.length);
  }

  @Test
  void theDocumentNamesEveryFieldAndNoOther() throws Exception {
    String document = Files.readString(ProjectFiles.root().resolve("docs/test-reports.md"));
    Set<String> documented = new HashSet<>();
    Matcher row = Pattern.compile("(?m)^\\| `(\\w+)` \\|").matcher(document);
    while (row.find()) {
      documented.add(row.group(1));
    }
    Set<String> written = new HashSet<>();
    RunReport pass = RunReport.of("boot", "6.12", EndClass.EXITED, 0);
    String json = new String(bytes(pass, RUN), StandardCharsets.UTF_8);
    Matcher field = Pattern.compile("\"(\\w+)\" : ").matcher(json);
    while (field.find()) {
      written.add(field.group(1));
    }
    for (Verdict verdict : Verdict.values()) {
      written.remove(verdict.word());
      assertTrue(document.contains("`" + verdict.word() + "`"), verdict.word());
    }
    for (EndClass end : EndClass.values()) {
      assertTrue(document.contains("`" + end.word() + "`"), end.word());
    }
    // "passed" is a verdict of all, and a count of a flaky test.
    assertEquals(
        new ArrayList<>(new java.util.TreeSet<>(written)),
        new ArrayList<>(new java.util.TreeSet<>(documented)));
    assertFalse(written.isEmpty());
  }
}
