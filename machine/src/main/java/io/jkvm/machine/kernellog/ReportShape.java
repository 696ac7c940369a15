// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

/** Which lines look like a part of a report, whatever it reports: dumps, registers, traces. */
final class ReportShape {
  private static final int MIN_BANNER = 20;

  private ReportShape() {}

  /** The line that announces a report or the message of one. */
  static boolean isCutHere(LogLine line) {
    return line.at(0) == '-' && line.startsWith("------------[ cut here ]");
  }

  /** What is printed before the panic of a kernel without a root file system. */
  static boolean isRootMissing(LogLine line) {
    return line.at(0) == 'V' && line.startsWith("VFS: Cannot open root device ");
  }

  /** A line of equals signs, which frames reports of lockdep, SLUB and sanitizers. */
  static boolean isBanner(LogLine line) {
    if (line.length() < MIN_BANNER) {
      return false;
    }
    for (int i = 0; i < line.length(); i++) {
      if (line.at(i) != '=') {
        return false;
      }
    }
    return true;
  }

  static boolean opensTrace(LogLine line) {
    return line.startsWith("Call Trace:");
  }

  /** "RAX: 0000", "CR2: ffff", "FS: 0000": two or three letters and a number. */
  static boolean isRegister(LogLine line) {
    int first = line.at(0);
    if (first < 'A' || first > 'Z') {
      return false;
    }
    if (line.startsWith("Code: ") || line.startsWith("PKRU: ") || line.startsWith("ORIG_RAX: ")) {
      return true;
    }
    int colon = 1;
    while (colon < 3 && isUpperOrDigit(line.at(colon))) {
      colon++;
    }
    if (colon < 2 || line.at(colon) != ':') {
      return false;
    }
    int value = colon + 1;
    while (line.at(value) == ' ') {
      value++;
    }
    for (int i = 0; i < 4; i++) {
      if (!LogLine.isHex(line.at(value + i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isUpperOrDigit(int b) {
    return b >= 'A' && b <= 'Z' || LogLine.isDigit(b);
  }

  /** Part of a report, and of nothing else that kernels print in a row. */
  static boolean belongs(LogLine line) {
    if (line.length() == 0 || isRegister(line)) {
      return true;
    }
    return switch (line.at(0)) {
      case ' ', '\t' -> true;
      case '#' -> line.startsWith("#PF: ");
      case '-' -> line.startsWith("-----") || line.startsWith("-> #");
      case '[' -> line.startsWith("[<");
      case 'C' -> opensTrace(line) || line.startsWith("CPU: ");
      case 'D' -> line.startsWith("Dumping ftrace buffer");
      case 'F' -> line.startsWith("FIX ");
      case 'H' -> line.startsWith("Hardware name: ");
      case 'I' ->
          line.startsWith("INFO: lockdep is turned off")
              || line.startsWith("INFO: Stall ended")
              || line.startsWith("INFO: task ");
      case 'K' -> line.startsWith("KASAN: ") || line.startsWith("Kernel Offset: ");
      case 'M' -> line.startsWith("Modules linked in:");
      case 'N' -> line.startsWith("NMI backtrace for cpu ");
      case 'P' -> line.startsWith("PGD ") || line.startsWith("Preemption disabled at:");
      case 'R' -> line.startsWith("RIP: ") || line.startsWith("RCU ");
      case 'S' ->
          line.startsWith("Sending NMI ")
              || line.startsWith("Showing ")
              || line.startsWith("Stack:")
              || line.startsWith("Stack dump ");
      case 'T' -> line.startsWith("Tainted: ") || line.startsWith("Task dump for CPU ");
      case 'W' -> line.startsWith("Workqueue: ");
      case 'h' -> line.startsWith("hardirqs last ");
      case 'i' -> line.startsWith("irq event stamp: ");
      case 'n' -> line.startsWith("note: ") || line.startsWith("no locks held by ");
      case 'p' -> line.startsWith("pool ");
      case 'r' -> line.startsWith("rcu: ");
      case 's' -> line.startsWith("softirqs last ") || line.startsWith("stack backtrace:");
      case 't' -> line.startsWith("task:");
      case 'w' -> line.startsWith("workqueue ");
      default -> LogLine.isDigit(line.at(0)) && line.contains(" held by ");
    };
  }
}
