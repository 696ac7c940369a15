// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

/** This process, as job control sees it. */
public final class OwnProcess {
  private static final int SIGUSR1 = 10;
  private static final int SIGTERM = 15;
  private static final int SIGSTOP = 19;
  private static final int PR_SET_PDEATHSIG = 1;

  private OwnProcess() {}

  /**
   * Has the process end by SIGTERM when its parent ends, which it could not learn otherwise if that
   * is killed. To be called by a thread that lives as long as the process.
   *
   * @param parent the process id that it had as its parent at first
   */
  public static void endWith(int parent) {
    Libc.prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (Libc.getppid() != parent) {
      Libc.tgkill(Libc.getpid(), Libc.gettid(), SIGTERM); // it has ended before
    }
  }

  /**
   * Sends SIGUSR1 to the parent, unless that has ended.
   *
   * @param parent the process id that it had as its parent at first
   */
  public static void signalParent(int parent) {
    if (Libc.getppid() == parent) {
      Libc.tgkill(parent, parent, SIGUSR1);
    }
  }

  /** Stops the process, all its threads; returns when somebody has continued it (SIGCONT). */
  public static void stop() {
    Libc.tgkill(Libc.getpid(), Libc.gettid(), SIGSTOP);
  }
}
