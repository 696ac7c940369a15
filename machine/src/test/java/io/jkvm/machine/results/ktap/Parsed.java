// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.TestCase;
import java.util.ArrayList;
import java.util.List;

/** Results as text that a test can compare: a line each, indented by suites. */
final class Parsed {
  private Parsed() {}

  static TestResults results(String text, EndClass end) {
    KtapParser parser = new KtapParser();
    parser.accept(text);
    return parser.finish(end);
  }

  static String tree(String text, EndClass end) {
    return tree(results(text, end));
  }

  static String tree(String text) {
    return tree(text, EndClass.EXITED);
  }

  static String tree(TestResults results) {
    List<String> lines = new ArrayList<>();
    add(lines, "", results.cases());
    return String.join("\n", lines) + "\n";
  }

  private static void add(List<String> lines, String indent, List<TestCase> cases) {
    for (TestCase test : cases) {
      String reason = test.reason().isEmpty() ? "" : " | " + test.reason();
      lines.add(indent + test.verdict().word() + " " + test.name() + reason);
      add(lines, indent + "  ", test.children());
    }
  }
}
