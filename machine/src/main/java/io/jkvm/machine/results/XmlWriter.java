// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.io.IOException;
import java.io.Writer;
import java.util.ArrayDeque;
import java.util.Deque;

/** Writes XML 1.0 that is well-formed, whatever the text. */
final class XmlWriter {
  private final Writer out;
  private final Deque<String> open = new ArrayDeque<>();
  private boolean inTag;
  private boolean hasText;

  /** Writes the declaration. */
  XmlWriter(Writer out) throws IOException {
    this.out = out;
    out.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  }

  void start(String element) throws IOException {
    endTag();
    indent();
    out.write('<');
    out.write(element);
    open.push(element);
    inTag = true;
    hasText = false;
  }

  void attribute(String name, String value) throws IOException {
    out.write(' ');
    out.write(name);
    out.write("=\"");
    escape(PrintableText.forXml(value), true);
    out.write('"');
  }

  void attribute(String name, long value) throws IOException {
    attribute(name, Long.toString(value));
  }

  void text(String text) throws IOException {
    endTag();
    escape(PrintableText.forXml(text), false);
    hasText = true;
  }

  void end() throws IOException {
    String element = open.pop();
    if (inTag) {
      out.write("/>");
      inTag = false;
    } else {
      if (!hasText) {
        indent();
      }
      out.write("</" + element + ">");
    }
    hasText = false;
    if (open.isEmpty()) {
      out.write('\n');
    }
  }

  private void endTag() throws IOException {
    if (inTag) {
      out.write('>');
      inTag = false;
    }
  }

  private void indent() throws IOException {
    out.write('\n');
    out.write("  ".repeat(open.size()));
  }

  /** A parser makes a blank of a line's end in an attribute, and LF of a CR, unless written so. */
  private void escape(String legal, boolean inAttribute) throws IOException {
    for (int i = 0; i < legal.length(); i++) {
      char c = legal.charAt(i);
      switch (c) {
        case '&' -> out.write("&amp;");
        case '<' -> out.write("&lt;");
        case '>' -> out.write("&gt;");
        case '"' -> out.write("&quot;");
        case '\r' -> out.write("&#13;");
        case '\n' -> out.write(inAttribute ? "&#10;" : "\n");
        case '\t' -> out.write(inAttribute ? "&#9;" : "\t");
        default -> out.write(c);
      }
    }
  }
}
