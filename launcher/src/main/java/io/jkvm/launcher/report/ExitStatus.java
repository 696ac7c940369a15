// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.report;

import io.jkvm.machine.StopReason;

/** The exit statuses of the command; the README has the same table. */
public final class ExitStatus {
  public static final int OK = 0;
  public static final int USAGE = 2;
  public static final int HOST = 3;
  public static final int GUEST_CRASHED = 4;
  public static final int TIMEOUT = 124;

  private ExitStatus() {}

  public static int of(StopReason reason) {
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
