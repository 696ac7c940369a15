// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** A guest that was reset and goes on from the start is not one that has run once. */
class SecondBootTest {
  private static final String BANNER = "[    0.000000] Linux version 6.1.119 (a@b) #1 SMP\n";
  private static final String FIRST =
      BANNER + "[    0.000000] Command line: x\n[    0.012345] ACPI: ready\n[    2.0000001] z\n";
  private static final String AGAIN = FIRST.replace("0.012345", "0.012399");

  @Test
  void isToldWithTheFirstLineThatHasItsOwnTime() {
    LogFixture guest = new LogFixture().feed(FIRST + AGAIN);
    assertEquals(List.of(KernelEventKind.SECOND_BOOT), guest.kinds());
    KernelEvent event = guest.events().get(0);
    assertEquals(5, event.line());
    assertEquals(FIRST.length(), event.offset());
    assertEquals("Linux version 6.1.119 (a@b) #1 SMP", event.title());
    assertEquals(1, guest.begun.size());
    guest.feed(AGAIN).finish();
    assertEquals(2, guest.log.count(KernelEventKind.SECOND_BOOT));
    assertEquals(2, guest.events().get(0).count());
  }

  /** A console that is registered late shows all from the start, and so does dmesg. */
  @Test
  void isNotAReplay() {
    LogFixture guest = new LogFixture().feed(FIRST + FIRST + FIRST).finish();
    assertEquals(List.of(), guest.events());
  }

  /** It never comes to a time of its own. */
  @Test
  void thatDiesAtOnceIsOneAllTheSame() {
    LogFixture guest = new LogFixture().feed(FIRST + BANNER);
    assertEquals(List.of(), guest.events());
    assertEquals(List.of(KernelEventKind.SECOND_BOOT), guest.finish().kinds());
    LogFixture early = new LogFixture().feed(BANNER + BANNER + "[    0.012345] ACPI: ready\n");
    assertEquals(List.of(KernelEventKind.SECOND_BOOT), early.finish().kinds());
    LogFixture loop = new LogFixture().feed(BANNER.repeat(4)).finish();
    assertEquals(3, loop.log.count(KernelEventKind.SECOND_BOOT));
  }

  /** The panic's report does not swallow the boot that follows. */
  @Test
  void endsThePanicBeforeIt() {
    String panic =
        "[    3.000001] Kernel panic - not syncing: x\n[    3.000002] Kernel Offset: 0\n";
    LogFixture guest = new LogFixture().feed(FIRST + panic + AGAIN).finish();
    assertEquals(List.of(KernelEventKind.PANIC, KernelEventKind.SECOND_BOOT), guest.kinds());
    assertEquals("Kernel panic - not syncing: x\nKernel Offset: 0", guest.events().get(0).text());
  }

  @Test
  void withoutTimesNeedsTheCommandLine() {
    String boot = "Linux version 6.1.119 (a@b) #1 SMP\nCommand line: x\nACPI: ready\n";
    LogFixture guest = new LogFixture().feed(boot + boot).finish();
    assertEquals(List.of(KernelEventKind.SECOND_BOOT), guest.kinds());
    String version = "Linux version 6.1.119 (a@b) #1 SMP\n";
    LogFixture cat = new LogFixture().feed(boot + version + "x\n".repeat(20) + "Command line: y\n");
    assertEquals(List.of(), cat.finish().events());
  }

  @Test
  void atAnotherTimeIsNone() {
    String later = BANNER.replace("0.000000", "7.000000");
    LogFixture guest = new LogFixture().feed(FIRST + later + "[    7.000001] x\n").finish();
    assertEquals(List.of(), guest.events());
  }
}
