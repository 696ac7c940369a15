// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

/**
 * A report showed another taint than the one before.
 *
 * @param line the line of the log where the report that shows it begins, from 1
 * @param before the letters until then, without G; empty if there were none
 * @param after the letters from then on
 */
public record TaintChange(long line, String before, String after) {
  /**
   * What is new.
   *
   * @return letters of {@link #after} that {@link #before} has not
   */
  public String added() {
    StringBuilder added = new StringBuilder();
    after.chars().filter(c -> before.indexOf(c) < 0).forEach(c -> added.append((char) c));
    return added.toString();
  }
}
