// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.report;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.PrettyPrinter;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import io.jkvm.benchmarks.run.Sample;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Everything that was measured, as a file: for tables that nobody has thought of yet. */
public final class Results {
  private Results() {}

  /**
   * Writes the file anew.
   *
   * @param about what was measured on: names and values
   */
  public static void write(Path file, Map<String, String> about, List<Sample> samples)
      throws IOException {
    try (Writer writer = Files.newBufferedWriter(file);
        JsonGenerator json = new JsonFactory().createGenerator(writer)) {
      json.setPrettyPrinter(sampleALine());
      json.writeStartObject();
      json.writeObjectFieldStart("about");
      for (Map.Entry<String, String> entry : about.entrySet()) {
        json.writeStringField(entry.getKey(), entry.getValue());
      }
      json.writeEndObject();
      json.writeArrayFieldStart("samples");
      for (Sample sample : samples) {
        write(json, sample);
      }
      json.writeEndArray();
      json.writeEndObject();
    }
  }

  private static PrettyPrinter sampleALine() {
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
    printer.indentObjectsWith(new DefaultPrettyPrinter.FixedSpaceIndenter());
    printer.indentArraysWith(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE);
    return printer;
  }

  private static void write(JsonGenerator json, Sample sample) throws IOException {
    json.writeStartObject();
    json.writeStringField("contender", sample.contender());
    json.writeStringField("step", sample.step());
    json.writeNumberField("round", sample.round());
    json.writeNumberField("count", sample.count());
    json.writeNumberField("ns", Math.round(sample.nanos()));
    json.writeNumberField("cycles", Math.round(sample.cycles()));
    json.writeNumberField("cpu_ns", Math.round(sample.cpuNanos()));
    json.writeNumberField("cpu_system_percent", Math.round(sample.systemShare() * 100));
    json.writeNumberField("notifications", sample.notifications());
    json.writeNumberField("latency_p50_ns", Math.round(sample.medianNanos()));
    json.writeNumberField("latency_p99_ns", Math.round(sample.lateNanos()));
    json.writeEndObject();
  }
}
