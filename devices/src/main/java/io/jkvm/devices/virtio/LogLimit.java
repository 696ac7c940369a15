// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio;

import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;

/** Warnings that a guest can cause at will: the first few are logged, the rest are dropped. */
public final class LogLimit {
  private final Logger log;
  private final int limit;
  private final AtomicInteger count = new AtomicInteger();

  /**
   * A new allowance.
   *
   * @param limit how many warnings are logged
   */
  public LogLimit(Logger log, int limit) {
    this.log = log;
    this.limit = limit;
  }

  /** Logs {@code what: why} unless the limit is used up. */
  public void warn(String what, String why) {
    if (count.get() < limit) {
      int number = count.incrementAndGet();
      if (number <= limit) {
        log.warn("{}: {}{}", what, why, number == limit ? " (more are not logged)" : "");
      }
    }
  }
}
