// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.RunReport;
import java.util.List;
import org.junit.jupiter.api.Test;

class BisectStatusTest {
  private static final DoneRun PASSED = run(EndClass.EXITED, 0);
  private static final DoneRun FAILED = run(EndClass.EXITED, 7);
  private static final DoneRun NOT_DONE = run(EndClass.SETUP, 125);
  private static final DoneRun INTERRUPTED = run(EndClass.INTERRUPTED, 130);
  private static final DoneRun NOT_UP = new DoneRun(run(EndClass.PANIC, 201).report(), false);

  private static DoneRun run(EndClass end, int status) {
    return new DoneRun(RunReport.of("test", "", end, status), true);
  }

  private static int of(DoneRun... runs) {
    return BisectStatus.of(List.of(runs), false);
  }

  private static int skippingBoots(DoneRun... runs) {
    return BisectStatus.of(List.of(runs), true);
  }

  @Test
  void goodIsThatAllPassed() {
    assertEquals(0, of(PASSED, PASSED));
    assertEquals(1, of(PASSED, FAILED));
    assertEquals(0, skippingBoots(PASSED, PASSED));
  }

  @Test
  void everyOtherEndOfTheGuestsIsBad() {
    for (EndClass end :
        List.of(
            EndClass.SIGNAL,
            EndClass.PANIC,
            EndClass.OOPS,
            EndClass.LOCKUP,
            EndClass.STALL,
            EndClass.LIMIT,
            EndClass.OUT_OF_MEMORY,
            EndClass.GONE)) {
      assertEquals(1, of(run(end, 200)), end.word());
    }
  }

  @Test
  void whatCouldNotBeDoneIsSkipped() {
    assertEquals(125, of(run(EndClass.SETUP, 127)));
    assertEquals(125, of(NOT_DONE));
    assertEquals(125, of(INTERRUPTED));
    assertEquals(125, of());
    assertEquals(125, of(PASSED, NOT_DONE));
  }

  @Test
  void aKernelThatDoesNotBootIsSkippedWhereThatIsAskedFor() {
    assertEquals(1, of(NOT_UP));
    assertEquals(125, skippingBoots(NOT_UP));
    assertEquals(125, skippingBoots(PASSED, NOT_UP));
    assertEquals(1, skippingBoots(run(EndClass.PANIC, 201)));
  }

  /** A failure that was seen is proof, whatever became of the other runs. */
  @Test
  void oneThatFailedIsBadAmongOthersThatSayNothing() {
    assertEquals(1, of(NOT_DONE, FAILED));
    assertEquals(1, of(FAILED, INTERRUPTED));
    assertEquals(1, of(PASSED, FAILED, NOT_DONE));
    assertEquals(1, skippingBoots(NOT_UP, FAILED));
    assertEquals(1, skippingBoots(FAILED, PASSED, NOT_UP, NOT_DONE));
  }
}
