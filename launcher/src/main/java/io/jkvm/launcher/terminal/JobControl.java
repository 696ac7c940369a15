// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/**
 * What a shell with job control does to a program: SIGTSTP and SIGCONT, each handled on a thread of
 * its own. Only the JVM's {@code sun.misc.Signal} can catch them; a JVM without it leaves them
 * their default action.
 */
final class JobControl {
  private JobControl() {}

  /**
   * Begins to handle both, on another thread, since it takes longer than a machine has time at its
   * start.
   *
   * @param suspend is to stop the process
   * @param continued the process goes on, whoever stopped it
   */
  static void start(Runnable suspend, Runnable continued) {
    Thread thread =
        new Thread(
            () -> {
              handle("TSTP", suspend);
              handle("CONT", continued);
            },
            "job-control");
    thread.setDaemon(true);
    thread.start();
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
