// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import java.util.List;
import java.util.Optional;

/**
 * Notices that a guest boots a second time: the kernel's banner comes again. It comes again as well
 * where the log is shown once more (a console registered late, dmesg): then the first message with
 * a time above 0 is the same to the microsecond, which no two boots have.
 */
final class BootWatch {
  private static final String BANNER = "Linux version ";

  /** The clock of a kernel that prints its banner does not run yet. */
  private static final long MAX_BANNER_MICROS = 1_000_000;

  /** Without time stamps the kernel's command line follows soon; not so in /proc/version. */
  private static final int NEAR = 8;

  private boolean booted;
  private boolean learned;
  private long firstMicros;
  private int firstHash;

  private KernelEvent pending;
  private boolean pendingStamped;
  private int wait;

  static boolean isBanner(LogLine line) {
    return line.at(0) == 'L' && line.startsWith(BANNER) && line.micros < MAX_BANNER_MICROS;
  }

  /**
   * Looks at a line of the kernel's.
   *
   * @return a second boot once that is certain, else null
   */
  KernelEvent line(LogLine line) {
    if (isBanner(line)) {
      return banner(line);
    }
    if (booted && !learned && pending == null && line.micros > 0) {
      learned = true;
      firstMicros = line.micros;
      firstHash = hash(line);
    }
    if (pending == null) {
      return null;
    }
    return pendingStamped ? stamped(line) : bare(line);
  }

  private KernelEvent banner(LogLine line) {
    KernelEvent before = pendingStamped ? finish() : null;
    if (!booted) {
      booted = true;
      return before;
    }
    String title = line.title();
    KernelEventKind kind = KernelEventKind.SECOND_BOOT;
    String fingerprint = Fingerprint.of(kind, title, "", List.of());
    pending =
        new KernelEvent(
            kind, title, title, line.number, line.offset, fingerprint, 1, "", Optional.empty());
    pendingStamped = line.micros >= 0;
    wait = NEAR;
    return before;
  }

  private KernelEvent stamped(LogLine line) {
    if (line.micros <= 0) {
      return null;
    }
    if (learned && line.micros == firstMicros && hash(line) == firstHash) {
      pending = null;
      return null;
    }
    return finish();
  }

  private KernelEvent bare(LogLine line) {
    if (line.startsWith("Command line: ")) {
      return finish();
    }
    if (--wait == 0) {
      pending = null;
    }
    return null;
  }

  /** No more lines come: the second boot that was not certain yet, or null. */
  KernelEvent end() {
    return pendingStamped ? finish() : null;
  }

  private KernelEvent finish() {
    KernelEvent event = pending;
    pending = null;
    return event;
  }

  private static int hash(LogLine line) {
    int hash = 1;
    for (int i = line.from; i < line.to; i++) {
      hash = hash * 31 + line.bytes[i];
    }
    return hash;
  }
}
