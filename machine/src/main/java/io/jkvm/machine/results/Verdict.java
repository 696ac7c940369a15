// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.util.Locale;

/** What became of a test. */
public enum Verdict {
  /** It passed. */
  PASS,
  /** It failed. */
  FAIL,
  /** It was skipped, and said so. */
  SKIP,
  /** It failed, as was expected of it. */
  XFAIL,
  /** It began and did not get to a result: a crash, or fewer results than were planned. */
  ERROR,
  /** It was planned and did not begin. */
  NOT_RUN,
  /** Its time was over. */
  TIMEOUT,
  /** A suite without a test: neither a pass nor a failure. */
  NO_TESTS;

  /** The verdict as it stands in reports: lower case, words joined by hyphens. */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Whether a run with such a test has failed. */
  public boolean isBad() {
    return this == FAIL || this == ERROR || this == TIMEOUT;
  }
}
