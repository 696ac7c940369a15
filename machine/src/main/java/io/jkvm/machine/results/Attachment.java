// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.util.Objects;

/**
 * A report of the kernel's that a run came with: a warning, an oops, a hung task.
 *
 * @param kind what it is, in a word
 * @param title its first line
 * @param text all of it; may be long, reports show an excerpt
 * @param count how often it came, one or more
 */
public record Attachment(String kind, String title, String text, int count) {
  /** No part may be null. */
  public Attachment {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(text, "text");
    if (count < 1) {
      throw new IllegalArgumentException("count " + count);
    }
  }
}
