// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import static io.jkvm.machine.kernellog.KernelEventKind.BUG;
import static io.jkvm.machine.kernellog.KernelEventKind.HARD_LOCKUP;
import static io.jkvm.machine.kernellog.KernelEventKind.HUNG_TASK;
import static io.jkvm.machine.kernellog.KernelEventKind.KERNEL_BUG;
import static io.jkvm.machine.kernellog.KernelEventKind.KMEMLEAK;
import static io.jkvm.machine.kernellog.KernelEventKind.LOCKDEP;
import static io.jkvm.machine.kernellog.KernelEventKind.NO_INIT;
import static io.jkvm.machine.kernellog.KernelEventKind.OOM_KILL;
import static io.jkvm.machine.kernellog.KernelEventKind.OOPS;
import static io.jkvm.machine.kernellog.KernelEventKind.PANIC;
import static io.jkvm.machine.kernellog.KernelEventKind.RCU_STALL;
import static io.jkvm.machine.kernellog.KernelEventKind.ROOT_MISSING;
import static io.jkvm.machine.kernellog.KernelEventKind.SANITIZER;
import static io.jkvm.machine.kernellog.KernelEventKind.SOFT_LOCKUP;
import static io.jkvm.machine.kernellog.KernelEventKind.WARNING;
import static io.jkvm.machine.kernellog.KernelEventKind.WORKQUEUE_LOCKUP;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Each kind in the words of several kernels, and where its report begins and ends. */
class KernelReportsTest {
  private static void bounds(KernelEvent event, String first, String last) {
    List<String> lines = event.text().lines().toList();
    assertEquals(first, lines.get(0));
    assertEquals(last, lines.get(lines.size() - 1), event.text());
  }

  @Test
  void panic() {
    LogFixture guest = LogFixture.read("panic");
    assertEquals(List.of(PANIC), guest.kinds());
    KernelEvent event = guest.events().get(0);
    assertEquals("Kernel panic - not syncing: sysrq triggered crash", event.title());
    bounds(event, event.title(), "---[ end Kernel panic - not syncing: sysrq triggered crash ]---");
    assertEquals(7, event.line());
    String text = LogFixture.text("panic");
    assertEquals(text.indexOf("[    1.234890]"), event.offset());
    assertEquals("", event.taint());
  }

  /** Linux 6.1 prints the registers of the first oops after the end of each. */
  @Test
  void oopses() {
    LogFixture guest = LogFixture.read("oops-6.1");
    assertEquals(List.of(OOPS, OOPS, PANIC), guest.kinds());
    KernelEvent first = guest.events().get(0);
    assertEquals("BUG: kernel NULL pointer dereference, address: 0000000000000000", first.title());
    bounds(first, first.title(), "note: insmod[212] exited with irqs disabled");
    assertTrue(first.text().contains("\nOops: 0002 [#1] PREEMPT SMP PTI\n"));
    assertEquals("O", first.taint());
    KernelEvent second = guest.events().get(1);
    assertTrue(second.title().startsWith("general protection fault, probably for"));
    bounds(second, second.title(), "---[ end trace 0000000000000000 ]---");
    assertEquals("DO", second.taint());
    bounds(
        guest.events().get(2),
        "Kernel panic - not syncing: Fatal exception in interrupt",
        "Rebooting in 5 seconds..");
  }

  @Test
  void oopsesOfNewerKernels() {
    LogFixture guest = LogFixture.read("oops-6.12");
    assertEquals(List.of(OOPS, OOPS, OOPS, OOPS, PANIC), guest.kinds());
    List<KernelEvent> events = guest.events();
    assertTrue(events.get(0).text().contains("\nOops: Oops: 0000 [#1] PREEMPT SMP NOPTI\n"));
    assertEquals("OE", events.get(0).taint());
    bounds(events.get(0), events.get(0).title(), "RIP: 0010:peek+0x5/0x10 [crashme]");
    assertTrue(events.get(1).text().contains("KASAN: null-ptr-deref in range"));
    assertEquals("Oops: divide error: 0000 [#3] SMP NOPTI", events.get(2).title());
    assertTrue(events.get(3).text().contains("Oops: double fault: 0000 [#4]"));
  }

  @Test
  void taintsHaveLetters() {
    assertEquals("", Taint.letters(0));
    assertEquals("D", Taint.letters(1 << 7));
    assertEquals("PWOEJ", Taint.letters(1 | 1 << 9 | 1 << 12 | 1 << 13 | 1 << 19));
    assertEquals("PFSRMBUDAWCIOELKXTNJ????????????", Taint.letters(-1));
  }

  @Test
  void kernelBugs() {
    LogFixture guest = LogFixture.read("kernel-bug");
    assertEquals(List.of(KERNEL_BUG, KERNEL_BUG), guest.kinds());
    KernelEvent event = guest.events().get(0);
    assertEquals("kernel BUG at fs/crash.c:17!", event.title());
    assertEquals(1, event.line());
    bounds(event, "------------[ cut here ]------------", "RIP: 0010:crash_write+0x4/0x10");
    assertTrue(guest.events().get(1).text().contains("\nOops: invalid opcode: 0000 [#2]"));
  }

  /** The lines of one never end up in the other. */
  @Test
  void warningsBackToBack() {
    LogFixture guest = LogFixture.read("warnings");
    assertEquals(List.of(WARNING, WARNING, WARNING), guest.kinds());
    String cut = "------------[ cut here ]------------";
    String end = "---[ end trace 0000000000000000 ]---";
    for (KernelEvent event : guest.events()) {
      bounds(event, cut, end);
      assertEquals(event.text().indexOf(cut), event.text().lastIndexOf(cut));
    }
    assertTrue(guest.events().get(0).text().contains("refcount_t: underflow"));
    assertTrue(guest.events().get(0).text().contains("Comm: first "));
    assertFalse(guest.events().get(1).text().contains("Comm: first "));
    assertEquals("W", guest.events().get(1).taint());
    assertEquals(
        "WARNING: drivers/base/thing.c:120 at thing_remove+0x9/0x20, CPU#1: rmmod/53",
        guest.events().get(2).title());
  }

  @Test
  void theSameWarningIsCounted() {
    LogFixture guest = new LogFixture();
    String warning = LogFixture.text("warnings").split("\\[    7.001501\\]")[0];
    for (int i = 0; i < 50; i++) {
      guest.feed(warning.replace("PID: 51", "PID: " + (51 + i)).replace("CPU: 0", "CPU: " + i % 4));
    }
    guest.finish();
    assertEquals(List.of(WARNING), guest.kinds());
    assertEquals(50, guest.events().get(0).count());
    assertEquals(50, guest.log.count(WARNING));
    assertEquals(50, guest.begun.size());
    assertEquals(50, guest.completed.get(49).count());
    assertEquals(guest.events().get(0), guest.completed.get(49));
    assertEquals(0, guest.log.dropped());
  }

  @Test
  void anotherCallerIsAnotherWarning() {
    String warning = LogFixture.text("warnings").split("\\[    7.001501\\]")[0];
    LogFixture guest =
        new LogFixture().feed(warning).feed(warning.replace("put_thing", "drop_thing")).finish();
    assertEquals(2, guest.events().size());
    assertNotEquals(guest.events().get(0).fingerprint(), guest.events().get(1).fingerprint());
  }

  @Test
  void panicOnWarn() {
    LogFixture guest = LogFixture.read("panic-on-warn");
    assertEquals(List.of(WARNING, PANIC), guest.kinds());
    bounds(guest.events().get(0), "------------[ cut here ]------------", " </TASK>");
    bounds(
        guest.events().get(1),
        "Kernel panic - not syncing: kernel: panic_on_warn set ...",
        "Kernel Offset: disabled");
  }

  @Test
  void bugs() {
    LogFixture guest = LogFixture.read("bugs");
    assertEquals(List.of(BUG, BUG, BUG, BUG), guest.kinds());
    List<KernelEvent> events = guest.events();
    bounds(events.get(0), events.get(0).title(), " </TASK>");
    assertTrue(events.get(0).text().contains("\npreempt_count: 1, expected: 0\n"));
    bounds(events.get(1), events.get(1).title(), " schedule+0x46/0xb0");
    bounds(events.get(2), events.get(2).title(), " </TASK>");
    assertTrue(events.get(3).title().startsWith("BUG kmalloc-64 (Tainted: G    B   W"));
    assertEquals("BW", events.get(3).taint());
    assertTrue(events.get(3).text().contains("FIX kmalloc-64: Restoring Right Redzone"));
    assertFalse(events.get(3).text().contains("virtio_blk"));
  }

  @Test
  void lockups() {
    LogFixture guest = LogFixture.read("lockups");
    assertEquals(
        List.of(SOFT_LOCKUP, HARD_LOCKUP, HARD_LOCKUP, WORKQUEUE_LOCKUP, PANIC), guest.kinds());
    List<KernelEvent> events = guest.events();
    assertEquals(2, events.get(0).count(), "the same loop after 22 and after 48 seconds");
    assertEquals(
        "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [spin:71]", events.get(0).title());
    bounds(events.get(1), events.get(1).title(), " </TASK>");
    assertTrue(events.get(2).text().contains("NMI backtrace for cpu 0"));
    assertTrue(events.get(3).text().contains("pending: vmstat_shepherd"));
  }

  @Test
  void stalls() {
    LogFixture guest = LogFixture.read("stalls");
    assertEquals(List.of(RCU_STALL, RCU_STALL, RCU_STALL), guest.kinds());
    List<KernelEvent> events = guest.events();
    bounds(events.get(0), "rcu: INFO: rcu_preempt self-detected stall on CPU", " </TASK>");
    bounds(events.get(1), events.get(1).title(), " rcu_gp_kthread+0x51b/0xb30");
    assertTrue(events.get(1).text().contains("kthread starved for 5252 jiffies"));
    bounds(events.get(2), events.get(2).title(), " </TASK>");
  }

  @Test
  void hungTasks() {
    LogFixture guest = LogFixture.read("hung-task");
    assertEquals(List.of(HUNG_TASK, HUNG_TASK), guest.kinds());
    List<KernelEvent> events = guest.events();
    bounds(events.get(0), "INFO: task dd:91 blocked for more than 120 seconds.", " </TASK>");
    assertEquals("W", events.get(1).taint());
    assertTrue(events.get(1).text().contains("likely owned by task dd:91"));
    assertTrue(events.get(1).text().contains("1 lock held by khungtaskd/28:"));
  }

  @Test
  void oomKills() {
    LogFixture guest = LogFixture.read("oom");
    assertEquals(List.of(OOM_KILL, OOM_KILL, OOM_KILL), guest.kinds());
    List<KernelEvent> events = guest.events();
    assertEquals("Out of memory: Killed process 101 (eater)", events.get(0).title());
    assertEquals(Optional.of(new KernelEvent.Victim(101, "eater")), events.get(0).victim());
    assertTrue(events.get(0).text().startsWith("eater invoked oom-killer: gfp_mask="));
    assertEquals(1, guest.begun.get(0).line());
    assertEquals(Optional.of(new KernelEvent.Victim(102, "two words (x)")), events.get(1).victim());
    assertEquals(Optional.of(new KernelEvent.Victim(103, "helper")), events.get(2).victim());
  }

  @Test
  void victimsAreChecked() {
    String[] pids = {"0", "4194305", "99999999999999999999", "x", "-1", ""};
    for (String pid : pids) {
      LogFixture guest =
          new LogFixture().feed("Out of memory: Killed process " + pid + " (a) total-vm:1kB\n");
      assertEquals(List.of(OOM_KILL), guest.kinds(), pid);
      assertEquals(Optional.empty(), guest.events().get(0).victim(), pid);
    }
    LogFixture guest =
        new LogFixture().feed("Out of memory: Killed process 5 (a\nb) total-vm:1kB\n").finish();
    assertEquals(Optional.of(new KernelEvent.Victim(5, "")), guest.events().get(0).victim(), "cut");
  }

  @Test
  void lockdep() {
    LogFixture guest = LogFixture.read("lockdep");
    assertEquals(List.of(LOCKDEP, LOCKDEP, LOCKDEP), guest.kinds());
    List<KernelEvent> events = guest.events();
    bounds(events.get(0), "WARNING: possible circular locking dependency detected", " </TASK>");
    assertTrue(events.get(0).text().contains("*** DEADLOCK ***"));
    bounds(events.get(1), "WARNING: suspicious RCU usage", " </TASK>");
    bounds(events.get(2), "[ BUG: Invalid wait context ]", " </TASK>");
  }

  @Test
  void sanitizers() {
    LogFixture guest = LogFixture.read("sanitizers");
    assertEquals(List.of(SANITIZER, SANITIZER, SANITIZER, SANITIZER, SANITIZER), guest.kinds());
    String banner = "==================================================================";
    List<KernelEvent> events = guest.events();
    bounds(events.get(0), events.get(0).title(), banner);
    assertTrue(events.get(0).text().contains("Memory state around the buggy address"));
    bounds(
        events.get(1), "UBSAN: shift-out-of-bounds in lib/thing.c:12:9", banner + "=".repeat(14));
    bounds(events.get(2), "------------[ cut here ]------------", "---[ end trace ]---");
    assertEquals("UBSAN: array-index-out-of-bounds in fs/thing.c:34:5", events.get(2).title());
    bounds(events.get(3), "BUG: KCSAN: data-race in reader / writer", banner);
    bounds(events.get(4), events.get(4).title(), banner);
  }

  @Test
  void memoryLeaks() {
    LogFixture guest = LogFixture.read("kmemleak");
    assertEquals(List.of(KMEMLEAK, KMEMLEAK), guest.kinds());
    assertTrue(guest.events().get(0).text().contains("leak_it+0x1c/0x40"));
    assertEquals(guest.events().get(1).title(), guest.events().get(1).text());
  }

  @Test
  void noRootAndNoInit() {
    LogFixture guest = LogFixture.read("root-missing");
    assertEquals(List.of(ROOT_MISSING), guest.kinds());
    assertTrue(guest.events().get(0).text().startsWith("VFS: Cannot open root device \"vda1\""));
    assertTrue(guest.events().get(0).title().endsWith("on unknown-block(0,0)"));
    assertEquals(List.of(NO_INIT), LogFixture.read("no-init").kinds());
  }

  @Test
  void falseFriends() {
    LogFixture guest = LogFixture.read("false-friends");
    assertEquals(List.of(), guest.events());
    assertEquals(List.of(), guest.begun);
  }
}
