// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.lifecycle.StopReason;

/** The exit statuses of the command; the README has the same table. */
final class ExitStatus {
  static final int OK = 0;
  static final int USAGE = 2;
  static final int HOST = 3;
  static final int GUEST_CRASHED = 4;
  static final int TIMEOUT = 124;

  private ExitStatus() {}

  static int of(StopReason reason) {
    return switch (reason.kind().outcome()) {
      case CLEAN -> OK;
      case GUEST_CRASHED -> GUEST_CRASHED;
      case HOST_FAILED -> HOST;
      case TIMED_OUT -> TIMEOUT;
      // The JVM itself ends with 128 + the signal's number once its shutdown hooks have run.
      case SIGNALLED -> 128;
    };
  }
}
