// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.jkvm.benchmarks.run.Sample;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

class ReportTest {
  private static final List<Sample> SAMPLES =
      List.of(
          sample("jkvm", "read", 1, 3000),
          sample("jkvm", "read", 2, 1000),
          sample("jkvm", "read", 3, 2000),
          sample("qemu-a", "read", 1, 9000),
          sample("qemu-a", "read", 2, 7000),
          sample("qemu-b", "read", 1, 4000),
          sample("fio", "read", 1, 500),
          sample("jkvm", "write & <more>", 1, 123_456));

  private static final Summary SUMMARY =
      new Summary(
          List.of("read", "write & <more>"), List.of("jkvm", "qemu-a", "qemu-b", "fio"), SAMPLES);

  private static Sample sample(String contender, String step, int round, double nanos) {
    return new Sample(contender, step, round, 100, nanos, 2 * nanos, nanos / 2, 0.25, 7, 1, 2);
  }

  @Test
  void mediansAndExtremes() {
    assertEquals(
        new Summary.Spread(1000, 2000, 3000), SUMMARY.cell("read", "jkvm").orElseThrow().time());
    assertEquals(
        new Summary.Spread(3500, 4000, 4500), SUMMARY.cell("read", "qemu-a").orElseThrow().cpu());
    assertTrue(SUMMARY.cell("write & <more>", "fio").isEmpty());
    assertEquals("qemu-b", SUMMARY.best("read", "qemu").orElseThrow());
  }

  @Test
  void tablesHaveMediansAndRatios() {
    String text = new Tables(SUMMARY).text();
    assertTrue(text.contains("| read | 2.00 (1.00-3.00) | 8.00 (7.00-9.00) | 4.00"), text);
    assertTrue(text.contains("| read | jkvm | qemu-b | 0.50 | 0.50 | 4.00 |"), text);
    assertTrue(text.contains("| write & <more> | jkvm |  |  |  |  |"), text);
  }

  @Test
  void theChartIsXmlWithABarForEachMedian() throws Exception {
    byte[] svg = Chart.svg(SUMMARY, "a < b").getBytes(StandardCharsets.UTF_8);
    Document chart =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new ByteArrayInputStream(svg));
    // Background, legend, bars.
    assertEquals(1 + 4 + 5, chart.getElementsByTagName("rect").getLength());
    String text = chart.getDocumentElement().getTextContent();
    assertTrue(text.contains("a < b") && text.contains("2.00 us"), text);
  }

  @Test
  void theFileHasEverySample(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("r.json");
    Results.write(file, Map.of("kernel", "6 \"x\""), SAMPLES);
    int samples = 0;
    try (JsonParser json = new JsonFactory().createParser(file.toFile())) {
      while (json.nextToken() != null) {
        if (json.currentToken() == JsonToken.FIELD_NAME && json.currentName().equals("cycles")) {
          assertEquals(2 * SAMPLES.get(samples++).nanos(), json.nextLongValue(-1));
        }
      }
    }
    assertEquals(SAMPLES.size(), samples);
  }
}
