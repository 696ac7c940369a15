// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Words for kinds of events. */
class FailOnTest {
  private static final EnumSet<KernelEventKind> ALWAYS =
      EnumSet.of(
          KernelEventKind.PANIC,
          KernelEventKind.ROOT_MISSING,
          KernelEventKind.NO_INIT,
          KernelEventKind.SECOND_BOOT);

  private static EnumSet<KernelEventKind> kinds(String... words) {
    return EnumSet.copyOf(FailOn.of(List.of(words)).kinds());
  }

  @Test
  void panicsAlwaysFail() {
    assertEquals(ALWAYS, kinds("none"));
    assertEquals(ALWAYS, kinds());
    assertEquals(ALWAYS, kinds("panic"));
    assertEquals(ALWAYS, new FailOn(EnumSet.noneOf(KernelEventKind.class)).kinds());
  }

  @Test
  void theDefaultIsOopsBugLockupAndRcu() {
    assertEquals(FailOn.DEFAULT.kinds(), kinds("oops", "bug", "lockup", "rcu"));
    assertFalse(FailOn.DEFAULT.includes(KernelEventKind.WARNING));
    assertFalse(FailOn.DEFAULT.includes(KernelEventKind.OOM_KILL));
  }

  @Test
  void eachKindHasAWord() {
    EnumSet<KernelEventKind> all =
        kinds(
            "oops",
            "bug",
            "warning",
            "lockup",
            "rcu",
            "hung-task",
            "oom",
            "lockdep",
            "kmemleak",
            "sanitizer");
    assertEquals(EnumSet.allOf(KernelEventKind.class), all);
    assertEquals(all, kinds("all", "none"));
    assertEquals(kinds("warning"), kinds(" WARN "));
    assertTrue(kinds("oops").contains(KernelEventKind.KERNEL_BUG));
    assertTrue(kinds("bug").contains(KernelEventKind.KERNEL_BUG));
  }

  @Test
  void unknownWordsAreToldWithTheKnown() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> kinds("oops", "stall"));
    assertTrue(e.getMessage().contains("'stall'"), e.getMessage());
    assertTrue(e.getMessage().contains("hung-task, oom, lockdep"), e.getMessage());
  }

  @Test
  void theFirstThatFails() {
    LogFixture guest = LogFixture.read("lockups");
    assertEquals(KernelEventKind.PANIC, guest.log.first(FailOn.of(List.of())).orElseThrow().kind());
    assertEquals(KernelEventKind.SOFT_LOCKUP, guest.log.first(FailOn.DEFAULT).orElseThrow().kind());
  }
}
