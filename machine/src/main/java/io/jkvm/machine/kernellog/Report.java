// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The report that is being read, if there is one, or what may become its first lines. One object
 * with one buffer serves for all.
 */
final class Report {
  /** What became of a line that was offered. */
  enum Verdict {
    /** It is a part, and more may come. */
    MORE,
    /** It is the last part. */
    LAST,
    /** It is no part: the report ended before. */
    FOREIGN
  }

  static final int MAX_TEXT = 32 << 10;
  static final int MAX_LINES = 200;

  /** A report whose end got lost is not followed for ever. */
  private static final int MAX_SPAN = 4000;

  /** Between "cut here" and the line that says what it is stands one message. */
  private static final int MAX_LEAD = 64;

  private static final int FUNCTIONS = 5;
  private static final int MAX_PID = 1 << 22;

  private final byte[] text = new byte[MAX_TEXT];
  private final List<String> functions = new ArrayList<>();
  private int length;
  private int lines;
  private int kept;

  /** Where the part ends that certainly belongs to it. */
  private int sureLength;

  private int sureLines;
  private int sureKept;
  private int strangers;

  private KernelEventKind kind;
  private String title = "";
  private String place = "";
  private String taint = "";
  private boolean taintKnown;
  private Optional<KernelEvent.Victim> victim = Optional.empty();
  private long number;
  private long offset;
  private boolean lead;
  private boolean trace;
  private boolean died;
  private boolean tail;

  /** The OOM killer's last line was seen. */
  private boolean killed;

  boolean isOpen() {
    return kind != null;
  }

  boolean isLead() {
    return lead;
  }

  KernelEventKind kind() {
    return kind;
  }

  /** Lines that may turn out to be the beginning of a report. */
  void lead(LogLine line) {
    if (!lead) {
      reset(line);
      lead = true;
    }
    append(line);
    if (lines > MAX_LEAD) {
      lead = false;
    }
  }

  void begin(KernelEventKind what, LogLine line) {
    if (!lead) {
      reset(line);
    }
    lead = false;
    kind = what;
    title = line.title();
    died = what == KernelEventKind.OOPS && Signatures.isDieHeader(line);
    append(line);
    facts(line);
    sure();
  }

  private void reset(LogLine line) {
    functions.clear();
    length = 0;
    lines = 0;
    kept = 0;
    strangers = 0;
    kind = null;
    title = "";
    place = "";
    taint = "";
    taintKnown = false;
    victim = Optional.empty();
    number = line.number;
    offset = line.offset;
    lead = false;
    trace = false;
    died = false;
    tail = false;
    killed = false;
  }

  /** Whether the beginning of a report is the next part of this one. */
  boolean joins(KernelEventKind what, LogLine line) {
    if (kind == KernelEventKind.OOM_KILL) {
      return what == kind && !killed && Signatures.isKill(line);
    }
    boolean fault = kind == KernelEventKind.OOPS || kind == KernelEventKind.KERNEL_BUG;
    return fault && !died && !tail && what == KernelEventKind.OOPS && Signatures.isDieHeader(line);
  }

  Verdict join(LogLine line) {
    append(line);
    if (kind == KernelEventKind.OOM_KILL) {
      facts(line);
      return Verdict.LAST;
    }
    died = true;
    sure();
    return Verdict.MORE;
  }

  /** Whether the first line is the only one. */
  boolean isWhole() {
    return killed;
  }

  Verdict add(LogLine line) {
    if (lines >= MAX_SPAN) {
      return Verdict.FOREIGN;
    }
    if (line.startsWith("---[ end ")) {
      append(line);
      sure();
      tail = kind == KernelEventKind.OOPS || kind == KernelEventKind.KERNEL_BUG;
      return tail ? Verdict.MORE : Verdict.LAST;
    }
    if (tail) {
      // The registers of the first oops once more, and the task that died.
      boolean part =
          ReportShape.isRegister(line) || line.startsWith("RIP: ") || line.startsWith("note: ");
      if (part) {
        append(line);
        sure();
      }
      return part ? Verdict.MORE : Verdict.FOREIGN;
    }
    return switch (kind) {
      case PANIC, ROOT_MISSING, NO_INIT -> {
        keep(line);
        boolean end = line.startsWith("Rebooting in ") || line.startsWith("Press Stop-A");
        yield end ? Verdict.LAST : Verdict.MORE;
      }
      case OOM_KILL -> {
        keep(line);
        boolean end = line.startsWith("Out of memory and no killable processes");
        yield end ? Verdict.LAST : Verdict.MORE;
      }
      case SANITIZER -> {
        keep(line);
        yield ReportShape.isBanner(line) ? Verdict.LAST : Verdict.MORE;
      }
      case KMEMLEAK -> {
        if (!line.startsWith("kmemleak: ")) {
          yield Verdict.FOREIGN;
        }
        keep(line);
        yield Verdict.MORE;
      }
      default -> traced(line);
    };
  }

  /** Free text first, then a call trace and what comes with it, then the end. */
  private Verdict traced(LogLine line) {
    boolean part = ReportShape.belongs(line);
    if (!part && (trace || ReportShape.isBanner(line) || ++strangers > patience())) {
      return Verdict.FOREIGN;
    }
    append(line);
    facts(line);
    if (part) {
      strangers = 0;
      sure();
    }
    return Verdict.MORE;
  }

  private void keep(LogLine line) {
    append(line);
    facts(line);
    sure();
  }

  /** How many lines of free text may stand in a row. */
  private int patience() {
    return kind == KernelEventKind.LOCKDEP || title.startsWith("BUG ") ? MAX_LINES : 24;
  }

  private void append(LogLine line) {
    lines++;
    int size = line.length() + 1;
    if (kept < lines - 1 || lines > MAX_LINES || length + size > MAX_TEXT) {
      return; // once a line is missing, all behind it are
    }
    kept++;
    for (int i = line.from; i < line.to; i++) {
      text[length++] = LogLine.harmless(line.bytes[i]);
    }
    text[length++] = '\n';
  }

  private void sure() {
    sureLength = length;
    sureLines = lines;
    sureKept = kept;
  }

  private void facts(LogLine line) {
    if (ReportShape.opensTrace(line) || line.startsWith("kmemleak:   backtrace")) {
      trace = true;
    } else if (trace && functions.size() < FUNCTIONS) {
      String function = Fingerprint.function(line);
      if (!function.isEmpty()) {
        functions.add(function);
      }
    }
    if (place.isEmpty() && line.startsWith("RIP: 0010:")) {
      place = Fingerprint.name(line, 10);
    }
    if (!taintKnown && (line.at(0) == ' ' || line.startsWith("CPU: ") || line.startsWith("BUG "))) {
      taint(line);
    }
    if (kind == KernelEventKind.OOM_KILL && Signatures.isKill(line)) {
      killed = true;
      victim = victim(line);
      title = line.text(0, Math.min(LogLine.MAX_TITLE, endOfKill(line)));
    }
  }

  private static int endOfKill(LogLine line) {
    int end = line.lastIndexOf(") total-vm:");
    return end < 0 ? line.length() : end + 1;
  }

  private static Optional<KernelEvent.Victim> victim(LogLine line) {
    String mark = ": Killed process ";
    int position = line.indexOf(mark, 0) + mark.length();
    int pid = 0;
    while (LogLine.isDigit(line.at(position)) && pid <= MAX_PID) {
      pid = pid * 10 + line.at(position++) - '0';
    }
    if (pid < 1 || pid > MAX_PID || !line.startsWith(" (", position)) {
      return Optional.empty();
    }
    int end = line.lastIndexOf(") total-vm:"); // -1 if the name has a line feed
    return Optional.of(new KernelEvent.Victim(pid, line.text(position + 2, end)));
  }

  private void taint(LogLine line) {
    if (line.lastIndexOf("Not tainted") > line.lastIndexOf("Tainted: ")) {
      taintKnown = true;
      return;
    }
    String mark = "Tainted: ";
    int position = line.lastIndexOf(mark);
    if (position < 0 || line.startsWith("[", position + mark.length())) {
      return;
    }
    StringBuilder letters = new StringBuilder();
    for (int i = position + mark.length(); ; i++) {
      int letter = line.at(i);
      if (letter > ' ' && Taint.LETTERS.indexOf(letter) >= 0) {
        letters.append((char) letter);
      } else if (letter != ' ' && letter != 'G') {
        break;
      }
    }
    taintKnown = true;
    taint = letters.substring(0, Math.min(letters.length(), Taint.LETTERS.length()));
  }

  /** What is known when it begins. */
  KernelEvent beginning() {
    return new KernelEvent(kind, title, "", number, offset, "", 1, "", victim);
  }

  /**
   * Ends it.
   *
   * @param certain leave out what came last if it does not look like a part
   */
  KernelEvent end(boolean certain) {
    int bytes = certain ? sureLength : length;
    long missing = certain ? sureLines - sureKept : lines - kept;
    String report = new String(text, 0, bytes, StandardCharsets.UTF_8).stripTrailing();
    if (missing > 0) {
      report += "\n[" + missing + " more lines]";
    }
    String mark = kind == KernelEventKind.OOM_KILL ? title : "";
    KernelEvent event =
        new KernelEvent(
            kind,
            title,
            report,
            number,
            offset,
            Fingerprint.of(kind, title, place + mark, functions),
            1,
            taint,
            victim);
    kind = null;
    return event;
  }
}
