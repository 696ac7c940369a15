// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class CpuTimeTest {
  private static final long BUSY_NANOS = 200_000_000;

  @Test
  void countsTheThreadsThatAreAskedFor() throws Exception {
    long pid = ProcessHandle.current().pid();
    CpuTime busyBefore = CpuTime.of(pid, name -> name.equals("busy-thread"));
    CpuTime nobodyBefore = CpuTime.of(pid, name -> name.equals("nobody"));
    AtomicBoolean enough = new AtomicBoolean();
    Thread busy = new Thread(() -> spin(enough), "busy-thread");
    busy.start();
    try {
      CpuTime.Used used;
      do {
        used = CpuTime.of(pid, name -> name.equals("busy-thread")).since(busyBefore);
      } while (used.nanos() < BUSY_NANOS);
      assertTrue(used.systemShare() < 0.5, used::toString);
      assertEquals(0, CpuTime.of(pid, name -> name.equals("nobody")).since(nobodyBefore).nanos());
    } finally {
      enough.set(true);
    }
    busy.join();
  }

  private static void spin(AtomicBoolean enough) {
    while (!enough.get()) {
      Thread.onSpinWait();
    }
  }
}
