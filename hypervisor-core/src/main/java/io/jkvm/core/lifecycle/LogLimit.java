// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.LoggerFactory;

/** Warnings that a guest can cause at will: the first few are logged, the rest are dropped. */
public final class LogLimit {
  private final Class<?> source;
  private final int limit;
  private final AtomicInteger count = new AtomicInteger();

  /**
   * A new allowance. Logging is set up with the first warning, not before: it takes longer than
   * everything else at the start of a machine.
   *
   * @param source whose warnings they are
   * @param limit how many warnings are logged
   */
  public LogLimit(Class<?> source, int limit) {
    this.source = source;
    this.limit = limit;
  }

  /** Logs {@code what: why} unless the limit is used up. */
  public void warn(String what, String why) {
    if (count.get() < limit) {
      int number = count.incrementAndGet();
      if (number <= limit) {
        String last = number == limit ? " (more are not logged)" : "";
        LoggerFactory.getLogger(source).warn("{}: {}{}", what, why, last);
      }
    }
  }
}
