// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.PrintableText;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads test results out of a command's output or of a kernel's log, as it comes: KTAP with suites
 * in suites by indentation (KUnit), TAP 13 and 14, and kselftest's form with the results of a test
 * program as comments before the runner's own. Other lines may stand between; printk's prefixes do
 * not matter. Memory is bounded, whatever comes. Not thread-safe.
 */
public final class KtapParser {
  private final LineAssembler lines;
  private final KtapTree tree;
  private final Pending pending;
  private final Pending yaml;
  private boolean behindResult;
  private int resultColumn;

  /** The column of a YAML block behind a result (TAP 13); -1 outside. */
  private int yamlColumn = -1;

  /** With {@link KtapLimits#DEFAULT}. */
  public KtapParser() {
    this(KtapLimits.DEFAULT);
  }

  /** With limits of the caller's. */
  public KtapParser(KtapLimits limits) {
    lines = new LineAssembler(limits.lineBytes(), this::line);
    tree = new KtapTree(new Budget(limits));
    pending = new Pending(limits.excerptBytes());
    yaml = new Pending(limits.excerptBytes());
  }

  /** Takes what comes next. */
  public void accept(byte[] bytes, int from, int length) {
    lines.accept(bytes, from, from + length);
  }

  /** Takes what comes next. */
  public void accept(byte[] bytes) {
    lines.accept(bytes, 0, bytes.length);
  }

  /** Takes what comes next, to the buffer's limit. */
  public void accept(ByteBuffer bytes) {
    lines.accept(bytes);
  }

  /** Takes what comes next. */
  public void accept(String text) {
    accept(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * The results, once nothing more comes; to be called once.
   *
   * @param end how the run ended: a test that was running then is an error
   */
  public TestResults finish(EndClass end) {
    lines.finish();
    endYaml();
    return tree.finish(MissingResult.of(end), pending);
  }

  private void line(byte[] bytes, int from, int to) {
    if (yamlColumn >= 0 || behindResult) {
      if (isYaml(bytes, from, to)) {
        return;
      }
    }
    if (KtapLine.isCandidate(bytes, from, to)) {
      KtapLine line = KtapLine.parse(PrintableText.decode(bytes, from, to));
      if (tree.accept(line, pending)) {
        behindResult = line.kind() == KtapLine.Kind.RESULT;
        resultColumn = line.column();
        return;
      }
    }
    if (tree.started()) {
      pending.add(bytes, from, to);
    }
  }

  /** Whether the line is in a YAML block, from "---" to "..." behind a result. */
  private boolean isYaml(byte[] bytes, int from, int to) {
    String line = PrintableText.decode(bytes, from, to);
    String content = line.strip();
    int column = line.length() - line.stripLeading().length();
    if (yamlColumn < 0) {
      behindResult = false;
      if (!content.equals("---") || column <= resultColumn) {
        return false;
      }
      yamlColumn = column;
    }
    if (column < yamlColumn && !content.isEmpty()) {
      // Its end is missing.
      endYaml();
      return false;
    }
    yaml.add(bytes, from, to);
    if (content.equals("...")) {
      endYaml();
    }
    return true;
  }

  private void endYaml() {
    if (yamlColumn >= 0) {
      yamlColumn = -1;
      tree.amendLast(yaml.take());
    }
  }
}
