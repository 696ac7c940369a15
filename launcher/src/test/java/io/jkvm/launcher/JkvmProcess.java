// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.testing.ProjectFiles;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The command as a user has it, {@code launcher/target/jkvm/bin/jkvm}, in a process of its own.
 * Closing kills it and what it started.
 */
final class JkvmProcess implements AutoCloseable {
  /** More than any boot takes on a busy machine whose KVM interprets the guest's kernel. */
  static final int BOOT_SECONDS = 300;

  /** How long a stop may take: "promptly", on a machine with something else to do. */
  static final int STOP_SECONDS = 8;

  private final Process process;
  private final Output out = new Output();
  private final Output err = new Output();

  /** How a process ended. */
  record Result(int status, String out, String err) {
    @Override
    public String toString() {
      return "status " + status + "\n--- stdout\n" + out + "\n--- stderr\n" + err;
    }
  }

  /** What a stream gave so far. */
  private static final class Output {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private boolean ended;

    private void collect(InputStream from) {
      byte[] buffer = new byte[4096];
      try (from) {
        for (int count = from.read(buffer); count >= 0; count = from.read(buffer)) {
          synchronized (this) {
            bytes.write(buffer, 0, count);
            notifyAll();
          }
        }
      } catch (IOException e) {
        // The process was killed.
      } finally {
        synchronized (this) {
          ended = true;
          notifyAll();
        }
      }
    }

    private synchronized boolean await(String text, long deadlineNanos)
        throws InterruptedException {
      while (text == null || !toString().contains(text)) {
        long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
        if (ended || left <= 0) {
          return text == null && ended;
        }
        wait(left);
      }
      return true;
    }

    @Override
    public synchronized String toString() {
      return bytes.toString(StandardCharsets.UTF_8);
    }
  }

  private JkvmProcess(Process process, boolean readOutput) {
    this.process = process;
    if (readOutput) {
      collect(out, process.getInputStream());
    } else {
      out.ended = true;
    }
    collect(err, process.getErrorStream());
  }

  private static void collect(Output output, InputStream from) {
    Thread thread = new Thread(() -> output.collect(from), "test-output");
    thread.setDaemon(true);
    thread.start();
  }

  /** The command of this build. */
  static Path binary() {
    return ProjectFiles.root().resolve("launcher/target/jkvm/bin/jkvm");
  }

  /** {@code binary() run ARGS}, to be put behind another command. */
  static List<String> runCommand(String... args) {
    List<String> command = new ArrayList<>(List.of(binary().toString(), "run"));
    command.addAll(Arrays.asList(args));
    return command;
  }

  /** Starts {@code jkvm run} with pipes on all three standard streams. */
  static JkvmProcess start(String... args) throws IOException {
    return start(runCommand(args));
  }

  /** Starts any command with pipes. */
  static JkvmProcess start(List<String> command) throws IOException {
    return new JkvmProcess(new ProcessBuilder(command).start(), true);
  }

  /** Starts {@code jkvm run} with a pipe on standard output that nobody reads. */
  static JkvmProcess startUnread(String... args) throws IOException {
    return new JkvmProcess(new ProcessBuilder(runCommand(args)).start(), false);
  }

  /** Runs {@code jkvm run} to its end, nothing on standard input. */
  static Result run(String... args) throws IOException, InterruptedException {
    return run(BOOT_SECONDS, runCommand(args));
  }

  /** Runs any command to its end, nothing on standard input. */
  static Result run(int seconds, List<String> command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectInput(new File("/dev/null"));
    try (JkvmProcess jkvm = new JkvmProcess(builder.start(), true)) {
      return jkvm.awaitEnd(seconds);
    }
  }

  /** Waits until the text was printed on standard output. */
  void awaitOutput(String text) throws InterruptedException {
    await(out, text);
  }

  /** Waits until the text was printed on standard error. */
  void awaitError(String text) throws InterruptedException {
    await(err, text);
  }

  private void await(Output output, String text) throws InterruptedException {
    if (!output.await(text, deadline(BOOT_SECONDS))) {
      throw new AssertionError("never printed '" + text + "'\n" + out + "\n--- stderr\n" + err);
    }
  }

  /** What standard output gave so far. */
  String output() {
    return out.toString();
  }

  /**
   * Waits until the process has used next to no processor time for a second: in {@link
   * #startUnread} with a guest that prints for ever, until all queues between them are full.
   */
  void awaitIdle() throws InterruptedException {
    long deadline = deadline(BOOT_SECONDS);
    for (long before = cpuMilliseconds(), used = 1000; used > 250; ) {
      Thread.sleep(1000);
      long now = cpuMilliseconds();
      used = now - before;
      before = now;
      if (System.nanoTime() > deadline || !process.isAlive()) {
        throw new AssertionError("never came to rest\n" + err);
      }
    }
  }

  private long cpuMilliseconds() {
    return process.info().totalCpuDuration().map(Duration::toMillis).orElse(0L);
  }

  /** Types on standard input. */
  void send(String text) throws IOException {
    OutputStream in = process.getOutputStream();
    in.write(text.getBytes(StandardCharsets.UTF_8));
    in.flush();
  }

  long pid() {
    return process.pid();
  }

  /** Sends a signal by its name without SIG. */
  static void signal(long pid, String name) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("sh", "-c", "kill -" + name + " " + pid).start();
    if (kill.waitFor() != 0) {
      throw new AssertionError("no process " + pid);
    }
  }

  /** Waits for the end. */
  Result awaitEnd(int seconds) throws InterruptedException {
    long deadline = deadline(seconds);
    if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
      throw new AssertionError(
          "still runs after " + seconds + " s\n" + out + "\n--- stderr\n" + err);
    }
    err.await(null, deadline);
    out.await(null, Math.min(deadline, deadline(5)));
    return new Result(process.exitValue(), out.toString(), err.toString());
  }

  private static long deadline(int seconds) {
    return System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().onExit().join();
  }
}
