// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import io.jkvm.machine.HostTerminal;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.Optional;

/**
 * What a shell with job control does to a program: SIGTSTP and SIGCONT, each handled on a thread of
 * its own. Only the JVM's {@code sun.misc.Signal} can catch them; a JVM without it leaves them
 * their default action.
 *
 * <p>Those threads run in any order, and late on a busy host, so a process that stopped itself
 * might do so behind the SIGCONT that was to end it. bin/jkvm, which a terminal has for its job,
 * therefore stops this process and always continues it once it has said that it stands still.
 */
final class JobControl {
  /** Without bin/jkvm in between, of a stop and a continue this close the process goes on. */
  private static final long SAME_MOMENT_NANOSECONDS = 100_000_000;

  /** What stands still with the process. */
  interface Job {
    /** The process is about to stop. */
    void pause();

    /** It goes on after {@link #pause}. */
    void resume();

    /** It goes on, whoever stopped it, and perhaps without having been paused. */
    void continued();
  }

  private final Job job;
  private final Optional<Integer> parent;

  // Guarded by this: whether a stop is under way, whether none is to last any more, how often the
  // process was continued, and when that was last.
  private boolean suspending;
  private boolean ending;
  private long continues;
  private long continuedNanos = System.nanoTime() - SAME_MOMENT_NANOSECONDS;

  JobControl(Job job) {
    this(job, Optional.ofNullable(Integer.getInteger("jkvm.parent")));
  }

  /**
   * Signals are handled from {@link #start} on.
   *
   * @param parent the process that stops and continues this one; empty if nobody does
   */
  JobControl(Job job, Optional<Integer> parent) {
    this.job = job;
    this.parent = parent;
  }

  /**
   * Begins to handle both, on another thread, since it takes longer than a machine has time at its
   * start.
   */
  void start() {
    Thread thread =
        new Thread(
            () -> {
              handle("TSTP", this::suspend);
              handle("CONT", this::continued);
            },
            "job-control");
    thread.setDaemon(true);
    thread.start();
  }

  /** Ends a stop that is under way, for good: the guest does not stand still any more. */
  synchronized void goOn() throws InterruptedException {
    ending = true;
    notifyAll();
    while (suspending) {
      wait();
    }
  }

  /** SIGTSTP; returns when it is over. */
  void suspend() {
    long begin = System.nanoTime();
    synchronized (this) {
      if (suspending) {
        return; // one stop is enough for all that asked meanwhile
      }
      suspending = true;
    }
    try {
      job.pause();
      if (parent.isPresent()) {
        awaitContinue(parent.get());
      } else if (!isContinuedSince(begin - SAME_MOMENT_NANOSECONDS)) {
        HostTerminal.stopProcess();
      }
      job.resume();
    } finally {
      synchronized (this) {
        suspending = false;
        notifyAll();
      }
    }
  }

  private synchronized void awaitContinue(int stopper) {
    long before = continues;
    HostTerminal.signalParent(stopper);
    try {
      while (continues == before && !ending) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized boolean isContinuedSince(long nanos) {
    return continuedNanos - nanos >= 0;
  }

  /** SIGCONT. */
  void continued() {
    synchronized (this) {
      continues++;
      continuedNanos = System.nanoTime();
      notifyAll();
    }
    job.continued();
  }

  /** Runs an action, on a thread of its own, for each signal of a name without SIG. */
  static void handle(String signal, Runnable action) {
    InvocationHandler handler =
        (proxy, method, arguments) ->
            switch (method.getName()) {
              case "handle" -> {
                action.run();
                yield null;
              }
              case "equals" -> proxy == arguments[0];
              case "hashCode" -> System.identityHashCode(proxy);
              default -> "handler of SIG" + signal;
            };
    try {
      Class<?> signals = Class.forName("sun.misc.Signal");
      Class<?> handlers = Class.forName("sun.misc.SignalHandler");
      Object proxy =
          Proxy.newProxyInstance(
              JobControl.class.getClassLoader(), new Class<?>[] {handlers}, handler);
      Object wanted = signals.getConstructor(String.class).newInstance(signal);
      signals.getMethod("handle", signals, handlers).invoke(null, wanted, proxy);
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      // The default action stands: the process stops without pausing its guest first.
      return;
    }
  }
}
