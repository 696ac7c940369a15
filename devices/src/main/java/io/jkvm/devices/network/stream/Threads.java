// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

/** What the threads of this package have in common. */
public final class Threads {
  private Threads() {}

  /** A started thread that does not keep the process alive. */
  public static Thread start(String name, Runnable body) {
    Thread thread = new Thread(body, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  /** Waits for the end of a thread, which may be null or the caller itself; keeps an interrupt. */
  static void join(Thread thread) {
    boolean interrupted = false;
    while (thread != null && thread != Thread.currentThread() && thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
