// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import io.jkvm.benchmarks.run.Step.Access;
import io.jkvm.benchmarks.run.Step.Cache;
import java.util.List;

/**
 * The steps of a round. Counts are such that a step takes some tenths of a second: its processor
 * time is read by the microsecond, but what the host does besides is not.
 */
public final class Steps {
  private static final int KIB = 1 << 10;
  private static final int MIB = 1 << 20;

  /** The least and the most that Ethernet has, in bytes without the checksum. */
  private static final int SMALL_FRAME = 60;

  private static final int LARGE_FRAME = 1514;

  private Steps() {}

  /** Everything. The file has at least {@link #FILE_BYTES}. */
  public static List<Step> all() {
    return List.of(
        Step.register(Access.PORT, 10_000),
        Step.register(Access.MMIO, 10_000),
        Step.register(Access.NOTIFY, 20_000),
        Step.read(Cache.COLD, true, 4 * KIB, 1, 4_000),
        Step.read(Cache.COLD, true, 4 * KIB, 8, 20_000),
        Step.read(Cache.COLD, true, 4 * KIB, 32, 40_000),
        Step.read(Cache.COLD, true, 4 * KIB, 128, 40_000),
        Step.read(Cache.COLD, true, 64 * KIB, 8, 4_000),
        Step.read(Cache.COLD, false, MIB, 4, 512),
        Step.read(Cache.WARM, true, 4 * KIB, 1, 40_000),
        Step.read(Cache.WARM, true, 4 * KIB, 8, 100_000),
        Step.read(Cache.WARM, true, 4 * KIB, 32, 100_000),
        Step.read(Cache.WARM, true, 4 * KIB, 128, 100_000),
        Step.read(Cache.WARM, true, 64 * KIB, 8, 8_000),
        Step.read(Cache.WARM, false, MIB, 4, 1_024),
        Step.write(true, 4 * KIB, 1, 20_000),
        Step.write(true, 4 * KIB, 8, 50_000),
        Step.write(true, 4 * KIB, 32, 50_000),
        Step.write(true, 4 * KIB, 128, 50_000),
        Step.write(true, 64 * KIB, 8, 4_000),
        Step.write(false, MIB, 4, 512),
        Step.mixed("mixed70-flush64-random-4k-depth32", 70, 4 * KIB, 32, 20_000, 64),
        Step.mixed("write-flush-random-4k-depth1", 0, 4 * KIB, 1, 600, 2),
        Step.network(Access.FLOOD, SMALL_FRAME, 64, 100_000),
        Step.network(Access.FLOOD, LARGE_FRAME, 64, 100_000),
        Step.network(Access.ECHO, SMALL_FRAME, 1, 10_000),
        Step.network(Access.ECHO, LARGE_FRAME, 32, 40_000));
  }

  /** A few of each kind, small, for a look at whether everything works. */
  public static List<Step> few() {
    return List.of(
        Step.register(Access.PORT, 500),
        Step.register(Access.MMIO, 500),
        Step.register(Access.NOTIFY, 500),
        Step.read(Cache.COLD, true, 4 * KIB, 32, 2_000),
        Step.read(Cache.WARM, true, 4 * KIB, 1, 1_000),
        Step.read(Cache.WARM, true, 4 * KIB, 32, 2_000),
        Step.write(true, 4 * KIB, 32, 1_000),
        Step.write(false, MIB, 4, 16),
        Step.mixed("mixed70-flush64-random-4k-depth32", 70, 4 * KIB, 32, 500, 64),
        Step.network(Access.FLOOD, SMALL_FRAME, 64, 1_000),
        Step.network(Access.ECHO, LARGE_FRAME, 32, 1_000));
  }

  /** What comes first on each machine and is not counted: the JVM's compiler, page tables. */
  static Step warmUp(int count) {
    return new Step("warm-up", Access.DISK, Cache.WARM, 50, true, 4 * KIB, 32, count, 0);
  }

  /** The same before the first step with a network. */
  static List<Step> networkWarmUp(int count) {
    return List.of(
        new Step("warm-up", Access.FLOOD, Cache.WARM, 0, false, SMALL_FRAME, 32, count, 0),
        new Step("warm-up", Access.ECHO, Cache.WARM, 0, false, LARGE_FRAME, 32, count, 0));
  }

  /** The length of the file that {@link #all} is made for, in bytes. */
  public static final long FILE_BYTES = 1L << 30;

  /** The length for {@link #few}, in bytes. */
  public static final long FEW_FILE_BYTES = 64L << 20;
}
