// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Reads a Linux kernel's log as it comes, from a console or from /dev/kmsg, and tells what
 * happened. The log may be cut anywhere, may be of any length and hold any bytes: memory is bounded
 * whatever the guest sends, and nothing that it sends makes a method throw.
 *
 * <p>On a console programs write too. Once three lines with printk's time stamp (or caller) have
 * been seen, or one message in the format of /dev/kmsg, lines without are not the kernel's and are
 * left out. Some things can't be told apart: all that is written while printk.time is off, a
 * program that prints a time stamp itself, and on a console what was written to /dev/kmsg (where
 * the log is read in the format of /dev/kmsg, those messages are known and left out). So a guest
 * can pretend to have had an oops. It can hide one by keeping the kernel from printing it, by
 * switching printk.time off while it runs, or, where that is off, by printing time stamps itself.
 *
 * <p>For one thread at a time.
 */
public final class KernelLog {
  /** Bytes of a line that are looked at; the rest of a longer one is skipped. */
  public static final int MAX_LINE = 4096;

  private static final int MARKED_ENOUGH = 3;
  private static final int SCRATCH = 8192;

  private final KernelLogListener listener;
  private final LogLine line = new LogLine();
  private final PrintkPrefix prefix = new PrintkPrefix(line);
  private final Report report = new Report();
  private final BootWatch boots = new BootWatch();
  private final EventStore store = new EventStore();

  /** The beginning of a line whose end has not come yet. */
  private final byte[] partial = new byte[MAX_LINE];

  private int partialLength;
  private byte[] scratch = new byte[0];

  private long bytes;
  private long lines;
  private long lineOffset;
  private int marked;
  private long lastMicros;

  /**
   * A log of which nothing has been read.
   *
   * @param listener hears of events at once
   */
  public KernelLog(KernelLogListener listener) {
    this.listener = Objects.requireNonNull(listener, "listener");
  }

  /** A log that is only asked afterwards. */
  public KernelLog() {
    this(new KernelLogListener() {});
  }

  /**
   * Reads what remains in a buffer.
   *
   * @param more the next bytes of the log; its position moves to its limit
   */
  public void accept(ByteBuffer more) {
    if (more.hasArray()) {
      accept(more.array(), more.arrayOffset() + more.position(), more.remaining());
      more.position(more.limit());
      return;
    }
    if (scratch.length == 0) {
      scratch = new byte[SCRATCH];
    }
    while (more.hasRemaining()) {
      int length = Math.min(more.remaining(), scratch.length);
      more.get(scratch, 0, length);
      accept(scratch, 0, length);
    }
  }

  /**
   * Reads a part of an array, which is not kept.
   *
   * @param more holds the next bytes of the log
   * @param offset index of the first
   * @param length how many, 0 or more
   * @throws IndexOutOfBoundsException if the array is shorter
   */
  public void accept(byte[] more, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, more.length);
    int end = offset + length;
    int start = offset;
    for (int i = offset; i < end; i++) {
      if (more[i] == '\n') {
        bytes += i + 1 - start;
        if (partialLength == 0) {
          line(more, start, Math.min(i, start + MAX_LINE));
        } else {
          remember(more, start, i);
          line(partial, 0, partialLength);
          partialLength = 0;
        }
        start = i + 1;
        lineOffset = bytes;
      }
    }
    bytes += end - start;
    remember(more, start, end);
  }

  private void remember(byte[] more, int from, int to) {
    int length = Math.min(to - from, MAX_LINE - partialLength);
    System.arraycopy(more, from, partial, partialLength, length);
    partialLength += length;
  }

  /**
   * The log is at its end: reads a last line without a line feed and completes the event whose end
   * has not been seen.
   */
  public void finish() {
    if (partialLength > 0) {
      int length = partialLength;
      partialLength = 0;
      line(partial, 0, length);
      lineOffset = bytes;
    }
    if (report.isOpen()) {
      complete(false);
    }
    tell(boots.end());
  }

  private void line(byte[] array, int from, int to) {
    lines++;
    line.number = lines;
    line.offset = lineOffset;
    int start = from;
    do {
      line.set(array, start, to);
      prefix.strip();
      boolean stamps = marked >= MARKED_ENOUGH && !line.escaped;
      start = stamps ? prefix.next(Math.max(line.micros, lastMicros)) : line.to;
      line.to = start;
      message();
    } while (start < to && array[start] == '[');
  }

  /** A line, or the part of one up to the next message. */
  private void message() {
    if (line.userspace || !line.marked && marked >= MARKED_ENOUGH) {
      return;
    }
    if (line.marked) {
      marked = line.escaped ? MARKED_ENOUGH : Math.min(marked + 1, MARKED_ENOUGH);
      lastMicros = line.micros;
    }
    if (line.escaped && line.contains("\\x")) {
      record();
    } else {
      kernelLine();
    }
  }

  /** A message of /dev/kmsg in which line feeds and other bytes are written as \xNN. */
  private void record() {
    byte[] plain = new byte[line.length()];
    int length = 0;
    int start = 0;
    for (int i = 0; i < line.length(); i++) {
      int value = line.at(i);
      if (value == '\\' && line.at(i + 1) == 'x') {
        int high = Character.digit(line.at(i + 2), 16);
        int low = Character.digit(line.at(i + 3), 16);
        if (high >= 0 && low >= 0) {
          value = high << 4 | low;
          i += 3;
        }
      }
      plain[length++] = (byte) value;
    }
    line.bytes = plain;
    for (int i = 0; i <= length; i++) {
      if (i == length || plain[i] == '\n') {
        line.from = start;
        line.to = i;
        kernelLine();
        start = i + 1;
      }
    }
  }

  private void kernelLine() {
    tell(boots.line(line));
    KernelEventKind kind = Signatures.kind(line);
    if (report.isOpen()) {
      Report.Verdict verdict = offer(kind);
      if (verdict != Report.Verdict.FOREIGN) {
        if (verdict == Report.Verdict.LAST) {
          complete(true);
        }
        return;
      }
      complete(true);
    }
    if (kind != null) {
      begin(kind);
    } else if (report.isLead() || ReportShape.isCutHere(line) || ReportShape.isRootMissing(line)) {
      report.lead(line);
    }
  }

  /** Whether the line goes on with the open report. */
  private Report.Verdict offer(KernelEventKind kind) {
    if (kind != null) {
      return report.joins(kind, line) ? report.join(line) : Report.Verdict.FOREIGN;
    }
    if (ReportShape.isCutHere(line) || BootWatch.isBanner(line)) {
      return Report.Verdict.FOREIGN;
    }
    return report.add(line);
  }

  private void begin(KernelEventKind kind) {
    report.begin(kind, line);
    store.count(kind);
    listener.event(report.beginning());
    if (report.isWhole()) {
      complete(true);
    }
  }

  private void complete(boolean certain) {
    listener.complete(store.add(report.end(certain)));
  }

  /** A second boot, which is complete when it begins; null where there is none. */
  private void tell(KernelEvent event) {
    if (event == null) {
      return;
    }
    if (report.isOpen()) {
      complete(true);
    }
    store.count(event.kind());
    listener.event(event);
    listener.complete(store.add(event));
  }

  /**
   * What was reported, by the place of the first report of each: at most 20 of a kind, and one for
   * all with the same fingerprint.
   *
   * @return complete events only
   */
  public List<KernelEvent> events() {
    return store.events();
  }

  /**
   * The first event of a set of kinds.
   *
   * @param failOn the kinds
   * @return the one that came first of those that are kept
   */
  public Optional<KernelEvent> first(FailOn failOn) {
    return store.events().stream().filter(event -> failOn.includes(event.kind())).findFirst();
  }

  /**
   * How many reports of some kinds began, with repetitions and with those that are not kept.
   *
   * @param kinds any number
   * @return their sum
   */
  public long count(KernelEventKind... kinds) {
    return store.count(kinds);
  }

  /**
   * How many reports are not among {@link #events()} because there were too many of their kind.
   *
   * @return 0 or more
   */
  public long dropped() {
    return store.dropped();
  }

  /**
   * How much has been read.
   *
   * @return complete lines
   */
  public long lines() {
    return lines;
  }

  /**
   * How much has been read.
   *
   * @return bytes
   */
  public long bytes() {
    return bytes;
  }
}
