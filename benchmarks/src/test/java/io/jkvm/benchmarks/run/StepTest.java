// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StepTest {
  private static final Step COLD = Step.read(Step.Cache.COLD, true, 4096, 32, 1000);

  @Test
  void theGuestsLineHasEveryParameter() {
    assertEquals("disk,cold-read-random-4k-depth32,100,random,4096,32,1000,0", COLD.guestLine());
    assertEquals(
        "disk,m,70,random,4096,8,600,64", Step.mixed("m", 70, 4096, 8, 600, 64).guestLine());
    assertEquals("notify,notify,10", Step.register(Step.Access.NOTIFY, 10).guestLine());
  }

  @Test
  void fioGetsTheSameBlocks() {
    assertEquals(
        List.of(
            "--rw=randread",
            "--bs=4096",
            "--iodepth=32",
            "--offset=0",
            "--size=2097152",
            "--io_size=4096000"),
        COLD.fioArguments(6 << 20));
    assertEquals(
        List.of(
            "--rw=write",
            "--bs=1048576",
            "--iodepth=4",
            "--offset=3145728",
            "--size=3145728",
            "--io_size=5242880"),
        Step.write(false, 1 << 20, 4, 5).fioArguments(6 << 20));
    // Every 2nd of 600 requests is a flush: a flush behind each of 300 writes.
    List<String> flushing = Step.mixed("w", 0, 4096, 1, 600, 2).fioArguments(6 << 20);
    assertTrue(flushing.contains("--fdatasync=1"), flushing::toString);
    assertTrue(flushing.contains("--io_size=" + 300 * 4096), flushing::toString);
    // Of 63 requests between two flushes 30 % are writes.
    List<String> mixed = Step.mixed("m", 70, 4096, 1, 640, 64).fioArguments(6 << 20);
    assertTrue(mixed.contains("--fdatasync=19"), mixed::toString);
  }

  @Test
  void namesAreDifferentAndReadsFitIntoTheFile() {
    for (List<Step> steps : List.of(Steps.all(), Steps.few())) {
      long half = (steps.equals(Steps.all()) ? Steps.FILE_BYTES : Steps.FEW_FILE_BYTES) / 2;
      Set<String> names = new HashSet<>();
      for (Step step : steps) {
        assertTrue(names.add(step.name()), step.name());
        // A block that comes twice is in the cache the second time.
        if (step.cache() == Step.Cache.COLD) {
          assertTrue((long) step.count() * step.bytes() <= half, step.name());
        }
      }
    }
  }

  @Test
  void pastThePageCacheItsStateIsMeasuredOnce() {
    Contender direct = contender(true);
    Step warm = Step.read(Step.Cache.WARM, true, 4096, 32, 1000);
    assertTrue(direct.takes(COLD));
    assertFalse(direct.takes(warm));
    assertTrue(direct.takes(Step.write(true, 4096, 1, 10)));
    assertTrue(contender(false).takes(warm));
    assertEquals(Step.Cache.COLD, direct.wanted(warm));
    assertEquals(Step.Cache.WARM, contender(false).wanted(warm));
    assertFalse(direct.takes(Step.register(Step.Access.PORT, 10)));
  }

  private static Contender contender(boolean direct) {
    return new Contender("name", Contender.Group.QEMU, direct, !direct, "CPU ", List.of());
  }
}
