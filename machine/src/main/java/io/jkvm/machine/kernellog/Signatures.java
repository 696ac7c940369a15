// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

/**
 * The lines that begin a report, as kernel/panic.c, lib/bug.c, arch/x86, kernel/watchdog.c,
 * kernel/rcu, kernel/hung_task.c, mm/oom_kill.c, kernel/locking/lockdep.c, mm/kmemleak.c and the
 * sanitizers print them. Only a line's beginning counts, never a word within it, but for what the
 * kernel itself puts behind a name.
 */
final class Signatures {
  private static final String PANIC = "Kernel panic - not syncing";

  /** The name of a task has 15 bytes. */
  private static final int MAX_TASK_NAME = 16;

  private Signatures() {}

  /** What the line begins, or null. */
  static KernelEventKind kind(LogLine line) {
    KernelEventKind kind =
        switch (line.at(0)) {
          case 'B' -> bug(line, 0);
          case 'K' -> panic(line);
          case 'k' -> memoryLeakOrBug(line);
          case 'W' -> line.startsWith("WARNING: ") ? warning(line) : null;
          case 'I' -> info(line, 0);
          case '[' ->
              line.startsWith("[ BUG: ") || line.startsWith("[ INFO: ")
                  ? KernelEventKind.LOCKDEP
                  : null;
          case 'O', 'M' -> isKill(line) ? KernelEventKind.OOM_KILL : null;
          case 'U' -> line.startsWith("UBSAN: ") ? KernelEventKind.SANITIZER : null;
          case 'N' -> line.startsWith("NMI watchdog: ") ? watchdog(line, 14) : null;
          case 'w' -> line.startsWith("watchdog: ") ? watchdog(line, 10) : null;
          case 'r' -> line.startsWith("rcu: ") ? info(line, 5) : null;
          case 'P' -> line.startsWith("PANIC: double fault") ? KernelEventKind.OOPS : null;
          case 't' -> line.startsWith("traps: PANIC: double fault") ? KernelEventKind.OOPS : null;
          default -> null;
        };
    if (kind != null) {
      return kind;
    }
    if (isDieHeader(line)) {
      return KernelEventKind.OOPS;
    }
    return invokesOomKiller(line) ? KernelEventKind.OOM_KILL : null;
  }

  /**
   * "Oops: 0002 [#1] SMP", "general protection fault, ...: 0000 [#1]", "divide error: 0000 [#1]":
   * what die() was called with, the error code, a counter. Linux 6.10 put "Oops: " before all.
   */
  static boolean isDieHeader(LogLine line) {
    for (int i = line.indexOf("[#", 6); i >= 0; i = line.indexOf("[#", i + 1)) {
      int end = i + 2;
      while (LogLine.isDigit(line.at(end))) {
        end++;
      }
      if (end > i + 2 && line.at(end) == ']' && errorCode(line, i - 7)) {
        return true;
      }
    }
    return false;
  }

  /** ": 0002 ". */
  private static boolean errorCode(LogLine line, int index) {
    return index >= 0
        && line.startsWith(": ", index)
        && LogLine.isHex(line.at(index + 2))
        && LogLine.isHex(line.at(index + 3))
        && LogLine.isHex(line.at(index + 4))
        && LogLine.isHex(line.at(index + 5))
        && line.at(index + 6) == ' ';
  }

  /** "Out of memory: Killed process 123 (name) total-vm:...", or that of a cgroup. */
  static boolean isKill(LogLine line) {
    return (line.startsWith("Out of memory") || line.startsWith("Memory cgroup out of memory"))
        && line.contains(": Killed process ");
  }

  private static boolean invokesOomKiller(LogLine line) {
    for (int i = 1; i <= MAX_TASK_NAME; i++) {
      if (line.at(i) == ' ' && line.startsWith(" invoked oom-killer: gfp_mask=", i)) {
        return true;
      }
    }
    return false;
  }

  private static KernelEventKind panic(LogLine line) {
    if (line.startsWith("Kernel BUG at ")) {
      return KernelEventKind.KERNEL_BUG;
    }
    if (!line.startsWith(PANIC)) {
      return null;
    }
    if (line.contains("VFS: Unable to mount root fs")) {
      return KernelEventKind.ROOT_MISSING;
    }
    boolean init =
        line.startsWith(": No working init found", PANIC.length())
            || line.startsWith(": No init found", PANIC.length())
            || line.startsWith(": Requested init ", PANIC.length());
    return init ? KernelEventKind.NO_INIT : KernelEventKind.PANIC;
  }

  private static KernelEventKind memoryLeakOrBug(LogLine line) {
    if (line.startsWith("kernel BUG at ")) {
      return KernelEventKind.KERNEL_BUG;
    }
    boolean leak =
        line.startsWith("kmemleak: ")
            && (line.startsWith("unreferenced object 0x", 10)
                || line.contains(" new suspected memory leaks"));
    return leak ? KernelEventKind.KMEMLEAK : null;
  }

  private static KernelEventKind bug(LogLine line, int index) {
    if (!line.startsWith("BUG: ", index)) {
      // The slab allocator: "BUG kmalloc-64 (Not tainted): Poison overwritten".
      return line.startsWith("BUG ", index) && line.contains("ainted") && line.contains("): ")
          ? KernelEventKind.BUG
          : null;
    }
    int what = index + 5;
    if (line.startsWith("KASAN: ", what)
        || line.startsWith("KCSAN: ", what)
        || line.startsWith("KFENCE: ", what)
        || line.startsWith("KMSAN: ", what)) {
      return KernelEventKind.SANITIZER;
    }
    if (line.startsWith("unable to handle ", what)
        || line.startsWith("kernel NULL pointer dereference", what)
        || line.contains(" stack guard page was hit at ")) {
      return KernelEventKind.OOPS;
    }
    if (line.startsWith("soft lockup - ", what) || line.startsWith("spinlock lockup ", what)) {
      return KernelEventKind.SOFT_LOCKUP;
    }
    if (line.startsWith("workqueue lockup - ", what)) {
      return KernelEventKind.WORKQUEUE_LOCKUP;
    }
    return line.startsWith("MAX_LOCK", what) || line.startsWith("MAX_STACK_TRACE", what)
        ? KernelEventKind.LOCKDEP
        : KernelEventKind.BUG;
  }

  private static KernelEventKind watchdog(LogLine line, int index) {
    int what = index;
    if (line.startsWith("CPU", index)) { // since 6.12: who noticed it
      int colon = line.indexOf(": ", index);
      what = colon < 0 || colon > index + 10 ? index : colon + 2;
    }
    if (line.startsWith("Watchdog detected hard LOCKUP", what)) {
      return KernelEventKind.HARD_LOCKUP;
    }
    return bug(line, index);
  }

  private static KernelEventKind warning(LogLine line) {
    // Since 6.19: "WARNING: file.c:12 at function+0x1/0x2, CPU#1: name/123".
    boolean place = line.contains(" at ") && line.contains(", CPU#");
    if (line.startsWith("CPU: ", 9) || place) {
      return KernelEventKind.WARNING;
    }
    return isLockdep(line) ? KernelEventKind.LOCKDEP : null;
  }

  private static boolean isLockdep(LogLine line) {
    return line.startsWith("possible ", 9) && line.contains(" detected")
        || line.startsWith("inconsistent lock state", 9)
        || line.startsWith("chain_key collision", 9)
        || line.startsWith("Nested lock was not taken", 9)
        || line.startsWith("bad unlock balance detected", 9)
        || line.startsWith("bad contention detected", 9)
        || line.startsWith("held lock freed", 9)
        || line.startsWith("lock held when returning to user space", 9)
        || line.startsWith("suspicious RCU usage", 9)
        || line.contains("-unsafe lock order detected")
        || line.contains(" still has locks held!");
  }

  private static KernelEventKind info(LogLine line, int index) {
    if (!line.startsWith("INFO: ", index)) {
      return null;
    }
    int what = index + 6;
    if (line.startsWith("rcu", what) && line.indexOf(" stall", what) > 0) {
      return isStall(line, what) ? KernelEventKind.RCU_STALL : null;
    }
    if (line.startsWith("task ", what)
        && line.contains(" blocked ")
        && line.contains(" for more than ")) {
      return KernelEventKind.HUNG_TASK;
    }
    return line.startsWith("trying to register non-static key", what)
        ? KernelEventKind.LOCKDEP
        : null;
  }

  private static boolean isStall(LogLine line, int what) {
    return line.indexOf("self-detected stall", what) > 0
        || line.indexOf(" detected stalls", what) > 0
        || line.indexOf(" detected expedited stalls", what) > 0;
  }
}
