// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.report;

import io.jkvm.machine.StopReason;

/** The exit statuses of the command; what they mean to a user is told by {@code run --help}. */
public final class ExitStatus {
  /** The guest ended as it wanted, or as its user did. */
  public static final int OK = 0;

  /** The command line is wrong. */
  public static final int USAGE = 2;

  /** The host, or a file that was given, is at fault. */
  public static final int HOST = 3;

  /** The guest's kernel or a vCPU can't go on. */
  public static final int GUEST_CRASHED = 4;

  /** A time limit, as timeout(1) has it. */
  public static final int TIMEOUT = 124;

  /** To be added to a signal's number, as a shell does. */
  public static final int SIGNALLED = 128;

  private ExitStatus() {}

  /** The status for a machine's end. */
  public static int of(StopReason reason) {
    return switch (reason.kind().outcome()) {
      case CLEAN -> OK;
      case GUEST_CRASHED -> GUEST_CRASHED;
      case HOST_FAILED -> HOST;
      case TIMED_OUT -> TIMEOUT;
      // The JVM itself ends with 128 + the signal's number once its shutdown hooks have run.
      case SIGNALLED -> SIGNALLED;
    };
  }
}
