// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

/**
 * How much of a stream is kept. A guest may print without end.
 *
 * @param lineBytes of a line; the rest of it is not looked at
 * @param nameCharacters of a name or a reason
 * @param excerptBytes of what a test printed
 * @param cases how many tests and suites
 * @param textCharacters names, reasons and excerpts together
 * @param depth of suites in suites
 */
public record KtapLimits(
    int lineBytes, int nameCharacters, int excerptBytes, int cases, int textCharacters, int depth) {
  /** Far more than a kernel's whole collection of tests prints: some 50 MB at the most. */
  public static final KtapLimits DEFAULT =
      new KtapLimits(8 << 10, 512, 8 << 10, 50_000, 16 << 20, 32);
}
