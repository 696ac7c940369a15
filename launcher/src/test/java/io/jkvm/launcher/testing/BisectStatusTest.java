// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.RunReport;
import java.util.List;
import org.junit.jupiter.api.Test;

class BisectStatusTest {
  private static RunReport run(EndClass end, int status) {
    return RunReport.of("test", "", end, status);
  }

  private static int of(RunReport... runs) {
    return BisectStatus.of(List.of(runs), true, false);
  }

  @Test
  void goodIsThatAllPassed() {
    assertEquals(0, of(run(EndClass.EXITED, 0), run(EndClass.EXITED, 0)));
    assertEquals(1, of(run(EndClass.EXITED, 0), run(EndClass.EXITED, 7)));
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
    assertEquals(125, of(run(EndClass.SETUP, 125)));
    assertEquals(125, of(run(EndClass.INTERRUPTED, 130)));
    assertEquals(125, of());
  }

  @Test
  void aKernelThatDoesNotBootIsSkippedWhereThatIsAskedFor() {
    List<RunReport> panic = List.of(run(EndClass.PANIC, 201));
    assertEquals(1, BisectStatus.of(panic, false, false));
    assertEquals(125, BisectStatus.of(panic, false, true));
    assertEquals(1, BisectStatus.of(panic, true, true));
  }
}
