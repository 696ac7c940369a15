// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * A machine with the benchmark's guest, which is told over its console what to do. Closing ends the
 * machine, if need be by force.
 */
final class GuestRun implements AutoCloseable {
  private static final int STEP_MINUTES = 10;

  /** The shortest time from which the frequency of the time stamp counter is taken. */
  private static final long FREQUENCY_NANOS = 10_000_000;

  private final Contender contender;
  private final Process process;
  private final InputStream console;
  private final Path errors;
  private final Thread limit;
  private volatile long deadlineNanos;
  private long firstCycles;
  private long firstNanos;
  private long lastCycles;
  private long lastNanos;

  /** What the guest said of a step, in cycles of its time stamp counter, and what it cost here. */
  record Outcome(
      long cycles,
      long count,
      long notifications,
      long medianCycles,
      long lateCycles,
      CpuTime.Used cpu) {}

  /** Starts the machine and waits until its guest is ready. */
  GuestRun(Contender contender, Path errors) throws IOException {
    this.contender = contender;
    this.errors = errors;
    process =
        new ProcessBuilder(contender.command())
            .redirectError(ProcessBuilder.Redirect.to(errors.toFile()))
            .start();
    console = process.getInputStream();
    giveTime();
    limit = new Thread(this::endLate, "guest-limit");
    limit.setDaemon(true);
    limit.start();
    boolean isReady = false;
    try {
      expect("bench: ");
      line();
      isReady = true;
    } finally {
      if (!isReady) {
        close();
      }
    }
  }

  private void giveTime() {
    deadlineNanos = System.nanoTime() + TimeUnit.MINUTES.toNanos(STEP_MINUTES);
  }

  private void endLate() {
    try {
      while (process.isAlive() && System.nanoTime() - deadlineNanos < 0) {
        process.waitFor(1, TimeUnit.SECONDS);
      }
      process.destroyForcibly();
    } catch (InterruptedException e) {
      // Nobody waits for it any more.
    }
  }

  /** Runs one step, after the page cache was prepared for it. */
  Outcome run(Step step, PageCache cache) throws IOException, InterruptedException {
    giveTime();
    expect("ready");
    line();
    send(step.guestLine());
    expect("begin ");
    line();
    cache.prepare(contender.wanted(step));
    CpuTime before = cpuTime();
    send("");
    // The first byte of the answer is the end of what is measured.
    int first = read();
    final long nanos = System.nanoTime();
    CpuTime.Used cpu = cpuTime().since(before);
    String answer = (first < 0 ? "" : String.valueOf((char) first)) + line();
    String[] words = answer.split(" ");
    if (words.length != 8 || !words[0].equals("result") || !words[1].equals(step.name())) {
      throw failure(answer);
    }
    long now = Long.parseLong(words[7]);
    if (firstNanos == 0) {
      firstCycles = now;
      firstNanos = nanos;
    }
    lastCycles = now;
    lastNanos = nanos;
    return new Outcome(
        Long.parseLong(words[2]),
        Long.parseLong(words[3]),
        Long.parseLong(words[4]),
        Long.parseLong(words[5]),
        Long.parseLong(words[6]),
        cpu);
  }

  /** Cycles of the guest's time stamp counter in a nanosecond, from all steps so far. */
  double cyclesPerNano() throws IOException {
    if (lastNanos - firstNanos < FREQUENCY_NANOS) {
      throw new IOException("too little was run to tell the frequency of the time stamp counter");
    }
    return (double) (lastCycles - firstCycles) / (lastNanos - firstNanos);
  }

  private CpuTime cpuTime() throws IOException {
    return CpuTime.of(process.pid(), thread -> !thread.startsWith(contender.vcpuThread()));
  }

  /** Lets the guest end the machine. */
  void end() throws IOException, InterruptedException {
    giveTime();
    expect("ready");
    send("end");
    int status = process.waitFor();
    if (status != 0) {
      throw failure("status " + status);
    }
  }

  private void send(String line) throws IOException {
    try {
      process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.US_ASCII));
      process.getOutputStream().flush();
    } catch (IOException e) {
      throw failure(line());
    }
  }

  /** Reads a text that must come now. */
  private void expect(String text) throws IOException {
    StringBuilder found = new StringBuilder();
    for (int c; found.length() < text.length() && (c = read()) >= 0; ) {
      found.append((char) c);
    }
    if (!text.contentEquals(found)) {
      throw failure(found + line());
    }
  }

  /** The next byte of the console, or -1 if the machine has ended. */
  private int read() {
    try {
      return console.read();
    } catch (IOException e) {
      return -1; // its stream was closed when it ended
    }
  }

  /** The rest of a line. */
  private String line() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int c = read(); c >= 0 && c != '\n'; c = read()) {
      text.append((char) c);
    }
    return text.toString();
  }

  private IOException failure(String said) throws IOException {
    return new IOException(
        contender.name()
            + ": "
            + (said.isEmpty() ? "the machine ended" : said)
            + "\n"
            + Command.tail(Files.readString(errors)));
  }

  @Override
  public void close() {
    process.destroyForcibly();
    limit.interrupt();
  }
}
