// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

/** This process, as job control sees it. */
public final class OwnProcess {
  private static final int SIGSTOP = 19;

  private OwnProcess() {}

  /** Stops the process, all its threads; returns when somebody has continued it (SIGCONT). */
  public static void stop() {
    Libc.tgkill(Libc.getpid(), Libc.gettid(), SIGSTOP);
  }
}
