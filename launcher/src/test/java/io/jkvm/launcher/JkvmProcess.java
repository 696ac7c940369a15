// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.testing.ProjectFiles;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * The command as a user has it, {@code launcher/target/jkvm/bin/jkvm}, in a process of its own.
 * Closing kills it and what it started.
 */
final class JkvmProcess implements AutoCloseable {
  /** More than any boot takes on a busy machine whose KVM interprets the guest's kernel. */
  static final int BOOT_SECONDS = 600;

  /** More than anything takes that boots no guest, and any end. It only ends what hangs. */
  static final int STOP_SECONDS = 120;

  /** What a pipe holds, pipe(7). */
  static final int PIPE_BYTES = 64 << 10;

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

    private synchronized boolean await(String text, int times, long deadlineNanos)
        throws InterruptedException {
      while (count(text) < times) {
        if (ended || !waitUntil(deadlineNanos)) {
          return false;
        }
      }
      return true;
    }

    private synchronized void awaitEnd(long deadlineNanos) throws InterruptedException {
      while (!ended && waitUntil(deadlineNanos)) {
        // There was more output.
      }
    }

    private int count(String text) {
      return toString().split(Pattern.quote(text), -1).length - 1;
    }

    /** Waits for more; false when the time is over. */
    private boolean waitUntil(long deadlineNanos) throws InterruptedException {
      long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
      if (left > 0) {
        wait(left);
      }
      return left > 0;
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

  /** Starts {@code jkvm run} with a pipe on standard output that is full and that nobody reads. */
  static JkvmProcess startStuck(String... args) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of("sh", "-c", "head -c " + PIPE_BYTES + " /dev/zero && exec \"$@\"", "sh"));
    command.addAll(runCommand(args));
    return new JkvmProcess(new ProcessBuilder(command).start(), false);
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

  /**
   * Runs the command in this JVM, which takes milliseconds. For what is refused before there is a
   * guest: a guest would read this JVM's standard input.
   */
  static Result runInThisJvm(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> all = new ArrayList<>(List.of("run", "--timeout", "1s"));
    all.addAll(Arrays.asList(args));
    int status =
        Main.execute(
            new PrintWriter(out, true), new PrintWriter(err, true), all.toArray(String[]::new));
    return new Result(status, out.toString(), err.toString());
  }

  /** Waits until the text was printed on standard output. */
  void awaitOutput(String text) throws InterruptedException {
    await(out, text, 1);
  }

  /** Waits until the text was printed on standard output so many times. */
  void awaitOutput(String text, int times) throws InterruptedException {
    await(out, text, times);
  }

  /** Waits until the text was printed on standard error. */
  void awaitError(String text) throws InterruptedException {
    await(err, text, 1);
  }

  /** Waits until the text was printed on standard error so many times. */
  void awaitError(String text, int times) throws InterruptedException {
    await(err, text, times);
  }

  private void await(Output output, String text, int times) throws InterruptedException {
    if (!output.await(text, times, deadline(BOOT_SECONDS))) {
      throw new AssertionError("never printed '" + text + "'\n" + out + "\n--- stderr\n" + err);
    }
  }

  /** What standard output gave so far. */
  String output() {
    return out.toString();
  }

  /**
   * Waits until the process does next to nothing and has next to nothing to do for a second: in
   * {@link #startStuck} with a guest that prints for ever, until all queues between them are full.
   */
  void awaitIdle() throws Exception {
    long deadline = deadline(BOOT_SECONDS);
    boolean busy = true;
    while (busy) {
      long start = System.nanoTime();
      long before = wantedNanos();
      TimeUnit.SECONDS.sleep(1);
      busy = wantedNanos() - before > (System.nanoTime() - start) / 2 || unreadBytes() < PIPE_BYTES;
      if (System.nanoTime() > deadline || !process.isAlive()) {
        throw new AssertionError("never came to rest\n" + err);
      }
    }
  }

  /** How long all threads had a processor or waited for one: none of it on a busy machine, too. */
  private long wantedNanos() throws IOException {
    long nanos = 0;
    List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
    all.add(process.toHandle());
    for (ProcessHandle each : all) {
      Path threads = Path.of("/proc", "" + each.pid(), "task");
      try (DirectoryStream<Path> directory = Files.newDirectoryStream(threads)) {
        for (Path thread : directory) {
          String[] words = Files.readString(thread.resolve("schedstat")).split(" ");
          nanos += Long.parseLong(words[0]) + Long.parseLong(words[1]);
        }
      } catch (NoSuchFileException e) {
        // A thread has just ended; what it used is not wanted any more.
      }
    }
    return nanos;
  }

  /** From now on the pipe of {@link #startStuck} is read. */
  void readOutput() {
    out.ended = false;
    collect(out, process.getInputStream());
  }

  /** What is in the pipe of {@link #startStuck}. */
  int unreadBytes() throws IOException {
    return process.getInputStream().available();
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
    err.awaitEnd(deadline);
    out.awaitEnd(deadline);
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
