// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.ThreadPrivileges;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Assumptions;

/**
 * A network of the test's own, with nothing but a loopback interface at first. A namespace belongs
 * to a thread and is inherited by the threads and processes it starts; so everything runs in
 * threads of this object, and sockets and tap interfaces opened there may be used anywhere.
 *
 * <p>{@code /sys/class/net} shows the interfaces outside; {@code /proc/sys/net} those inside.
 */
public final class NetworkNamespace implements AutoCloseable {
  private static final int SECONDS = 300;

  private final ExecutorService holder =
      Executors.newSingleThreadExecutor(task -> daemon(task, "network namespace"));

  private NetworkNamespace() {}

  /** A new namespace; a test of a user who may not have one is skipped. */
  public static NetworkNamespace create() throws Exception {
    Assumptions.assumeTrue(Libc.geteuid() == 0, "network namespaces need root");
    NetworkNamespace namespace = new NetworkNamespace();
    try {
      namespace
          .holder
          .submit(
              () -> {
                ThreadPrivileges.unshareNetwork();
                return null;
              })
          .get();
    } catch (ExecutionException e) {
      namespace.close();
      Assumptions.assumeFalse(
          e.getCause() instanceof LinuxException, "no network namespace: " + e.getCause());
      throw e;
    }
    namespace.exec("ip", "link", "set", "lo", "up");
    return namespace;
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** Runs a task on a thread of its own in the namespace. */
  public <T> Future<T> submit(Callable<T> task) throws Exception {
    FutureTask<T> future = new FutureTask<>(task);
    // Started by the holder's thread, which is what makes it inherit the namespace.
    holder.submit(() -> daemon(future, "in network namespace").start()).get();
    return future;
  }

  /** Runs a task in the namespace and returns its result, or throws what it throws. */
  public <T> T call(Callable<T> task) throws Exception {
    try {
      return submit(task).get(SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception) {
        throw (Exception) e.getCause();
      }
      throw e;
    } catch (TimeoutException e) {
      throw new AssertionError("a task in the network namespace takes too long", e);
    }
  }

  /** Runs a command in the namespace and returns its output; it must succeed. */
  public String exec(String... command) throws Exception {
    return call(
        () -> {
          Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
          process.getOutputStream().close();
          String output =
              new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
          int status = process.waitFor();
          if (status != 0) {
            throw new IOException(Arrays.toString(command) + ": status " + status + ": " + output);
          }
          return output;
        });
  }

  /** Starts a command in the namespace. */
  public Process start(ProcessBuilder command) throws Exception {
    return call(command::start);
  }

  /** Ends the namespace as soon as no thread and descriptor of it is left. */
  @Override
  public void close() {
    holder.shutdown();
  }
}
