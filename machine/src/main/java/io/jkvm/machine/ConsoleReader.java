// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.devices.console.HubReader;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One reader of a console, with a position of its own. One that falls more than 256 KiB behind
 * misses what lies between; the guest does not wait for it, unless it was made by {@link
 * Console#newHoldingReader}. For one thread at a time, but for {@link #close}.
 */
public final class ConsoleReader implements AutoCloseable {
  private static final int SHOWN_CHARACTERS = 2000;

  private final Machine machine;
  private final HubReader reader;

  ConsoleReader(Machine machine, HubReader reader) {
    this.machine = machine;
    this.reader = reader;
  }

  /** As {@link Console#expect(String, Duration)}, for this reader's position. */
  public String expect(String text, Duration timeout) throws InterruptedException {
    byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
    String what = "'" + text + "'";
    byte[] match =
        await(
            what,
            timeout,
            bytes -> {
              int at = indexOf(bytes, wanted);
              return at < 0 ? -1 : at + wanted.length;
            });
    return new String(match, StandardCharsets.UTF_8);
  }

  /** As {@link Console#expect(Pattern, Duration)}, for this reader's position. */
  public MatchResult expect(Pattern pattern, Duration timeout) throws InterruptedException {
    MatchResult[] found = new MatchResult[1];
    await(
        "/" + pattern + "/",
        timeout,
        bytes -> {
          ConsoleText text = new ConsoleText(bytes);
          Matcher matcher = pattern.matcher(text.toString());
          if (!matcher.find()) {
            return -1;
          }
          found[0] = matcher.toMatchResult();
          return text.byteOf(matcher.end());
        });
    return found[0];
  }

  /**
   * Waits for output and takes all that has come.
   *
   * @param timeout how long at most
   * @return empty if nothing came in time, or the machine has stopped and all of it was taken
   */
  public byte[] read(Duration timeout) throws InterruptedException {
    boolean stopped = machine.stopReason().isPresent(); // before the last look
    if (!stopped) {
      reader.awaitBeyond(0, Durations.nanoseconds(timeout));
    }
    byte[] bytes = reader.peek();
    reader.skip(bytes.length);
    return bytes;
  }

  /** How many bytes it has left out, because they came faster than it read. */
  public long missed() {
    return reader.missed();
  }

  /** The guest is not held back for it any more; what is kept can still be read. */
  @Override
  public void close() {
    reader.close();
  }

  /** Finds the end of what is waited for, or -1. */
  private interface Search {
    int end(byte[] bytes);
  }

  private byte[] await(String what, Duration timeout, Search search) throws InterruptedException {
    long deadline = System.nanoTime() + Durations.nanoseconds(timeout);
    while (true) {
      boolean stopped = machine.stopReason().isPresent(); // before the last look
      byte[] bytes = reader.peek();
      int end = search.end(bytes);
      if (end >= 0) {
        reader.skip(end);
        return java.util.Arrays.copyOf(bytes, end);
      }
      long left = deadline - System.nanoTime();
      if (stopped) {
        throw new MachineException(
            Problem.STOPPED,
            machine.name()
                + " stopped before it printed "
                + what
                + ": "
                + machine.stopReason().orElseThrow()
                + after(bytes));
      }
      if (left <= 0) {
        throw new MachineException(
            Problem.EXPECT,
            machine.name()
                + " has not printed "
                + what
                + " within "
                + timeout.toMillis()
                + " ms"
                + after(bytes));
      }
      reader.awaitBeyond(bytes.length, left);
    }
  }

  private static String after(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.UTF_8);
    String end = text.substring(Math.max(0, text.length() - SHOWN_CHARACTERS));
    return end.isEmpty() ? "; nothing was printed" : "; it printed last: " + end.strip();
  }

  private static int indexOf(byte[] bytes, byte[] wanted) {
    for (int at = 0; at <= bytes.length - wanted.length; at++) {
      if (java.util.Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length)) {
        return at;
      }
    }
    return -1;
  }
}
