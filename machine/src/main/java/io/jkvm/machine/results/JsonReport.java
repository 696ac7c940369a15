// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Runs as JSON, with everything that is known of them; docs/test-reports.md has the fields. */
public final class JsonReport {
  /** Of the fields; a new one that only adds fields has the same number. */
  public static final int FORMAT = 1;

  /** Of one text. */
  static final int MAX_TEXT = 1 << 20;

  private final RunSet runs;

  /** A report of these runs. */
  public JsonReport(RunSet runs) {
    this.runs = runs;
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
    JsonFactory factory =
        JsonFactory.builder().disable(StreamWriteFeature.AUTO_CLOSE_TARGET).build();
    try (JsonGenerator json = factory.createGenerator(out)) {
      json.useDefaultPrettyPrinter();
      json.writeStartObject();
      json.writeNumberField("format", FORMAT);
      json.writeBooleanField("passed", runs.passed());
      counts(json, "runCounts", runs.runCounts());
      counts(json, "caseCounts", runs.caseCounts());
      json.writeArrayFieldStart("runs");
      for (RunReport run : runs.runs()) {
        run(json, run);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("flaky");
      for (RunSet.Flaky flaky : runs.flaky()) {
        json.writeStartObject();
        text(json, "name", flaky.name());
        text(json, "kernel", flaky.kernel());
        text(json, "path", flaky.path());
        json.writeNumberField("passed", flaky.passed());
        json.writeNumberField("failed", flaky.failed());
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    out.write('\n');
  }

  private static void counts(JsonGenerator json, String field, Map<Verdict, Integer> counts)
      throws IOException {
    json.writeObjectFieldStart(field);
    for (Map.Entry<Verdict, Integer> count : counts.entrySet()) {
      json.writeNumberField(count.getKey().word(), count.getValue());
    }
    json.writeEndObject();
  }

  private static void run(JsonGenerator json, RunReport run) throws IOException {
    json.writeStartObject();
    text(json, "name", run.name());
    text(json, "kernel", run.kernel());
    json.writeNumberField("repetition", run.repetition());
    text(json, "verdict", run.verdict().word());
    text(json, "end", run.end().word());
    json.writeNumberField("status", run.status());
    text(json, "detail", run.detail());
    text(json, "place", run.place());
    text(json, "taint", run.taint());
    text(json, "start", run.start().toString());
    seconds(json, run.time());
    text(json, "log", run.log());
    text(json, "output", run.output());
    cases(json, "cases", run.cases());
    json.writeArrayFieldStart("kernelReports");
    for (Attachment report : run.kernelReports()) {
      json.writeStartObject();
      text(json, "kind", report.kind());
      text(json, "title", report.title());
      json.writeNumberField("count", report.count());
      text(json, "text", report.text());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void cases(JsonGenerator json, String field, List<TestCase> cases)
      throws IOException {
    json.writeArrayFieldStart(field);
    for (TestCase test : cases) {
      json.writeStartObject();
      text(json, "name", test.name());
      text(json, "verdict", test.verdict().word());
      text(json, "reason", test.reason());
      if (test.time().isPresent()) {
        seconds(json, test.time().get());
      }
      text(json, "excerpt", test.excerpt());
      cases(json, "cases", test.children());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  /** Seconds with the digits that are known, not a binary fraction near them. */
  private static void seconds(JsonGenerator json, Duration time) throws IOException {
    json.writeNumberField(
        "seconds",
        BigDecimal.valueOf(time.getSeconds())
            .add(BigDecimal.valueOf(time.getNano(), 9))
            .stripTrailingZeros());
  }

  private static void text(JsonGenerator json, String field, String text) throws IOException {
    json.writeStringField(field, PrintableText.wellFormed(Excerpt.of(text, MAX_TEXT, "")));
  }
}
