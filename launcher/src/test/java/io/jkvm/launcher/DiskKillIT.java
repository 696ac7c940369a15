// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RefusedCall;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * jkvm is killed at any moment with 64 writes under way: what the guest has said is committed is in
 * the image, each sector is whole, and the image can be used again at once. Past the page cache all
 * 64 are in the kernel's hands, which outlive the process. {@code JKVM_KILLS} says how often.
 */
@RequiresKvm
@Guests
class DiskKillIT {
  private static final int KILLS =
      Optional.ofNullable(System.getenv("JKVM_KILLS")).map(Integer::parseInt).orElse(2);
  private static final long PATTERN_STEP = 0x9E3779B97F4A7C15L;
  private static final int DISK_BYTES = 8 << 20;
  private static final int SECTOR_BYTES = 512;
  private static final int BLOCK_BYTES = 4096;
  private static final int DEPTH = 64;
  private static final int PLACE_BYTES = DEPTH * BLOCK_BYTES;
  private static final int PLACES = DISK_BYTES / 2 / PLACE_BYTES;
  private static final int ROUNDS_A_BOOT = 1_000_000;
  private static final Pattern COMMITTED = Pattern.compile("committed (\\d+)\r?\n");

  @TempDir Path folder;

  private final Random random = new Random();

  /** The rounds in whose writes the sectors of the disk's second half are. */
  private final long[] rounds = new long[DISK_BYTES / 2 / SECTOR_BYTES];

  @ParameterizedTest
  @CsvSource({
    "writeback,'',io_uring",
    "writethrough,'',io_uring",
    "writeback,',direct',io_uring",
    "writethrough,',direct',io_uring",
    "writeback,'',threads",
    "writethrough,'',threads",
    "writeback,',direct',threads",
    "writethrough,',direct',threads"
  })
  void whatIsCommittedIsThere(String cache, String direct, String engine) throws Exception {
    assumeFalse(
        !direct.isEmpty() && Files.getFileStore(folder).type().equals("tmpfs"),
        "a temporary directory in memory, which has no direct I/O everywhere");
    Path disk = folder.resolve("disk.img");
    ByteBuffer untouched = ByteBuffer.allocate(DISK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long word = 1; untouched.hasRemaining(); word++) {
      untouched.putLong(word * PATTERN_STEP);
    }
    Files.write(disk, untouched.array());
    for (int kill = 1; kill <= KILLS; kill++) {
      long first = (long) kill * ROUNDS_A_BOOT;
      String flush = cache.equals("writeback") ? "1" : "0";
      String step =
          "commit,c," + BLOCK_BYTES + "," + DEPTH + "," + first + "," + ROUNDS_A_BOOT + "," + flush;
      try (JkvmProcess jkvm =
          start(
              engine,
              "--verbose",
              "--virtio=mmio",
              "--kernel",
              ProjectFiles.guestImage("bench.elf").toString(),
              "--disk",
              disk + ",cache=" + cache + direct,
              "--cmdline-only",
              "bench.steps=" + step)) {
        jkvm.awaitOutput("committed", random.nextInt(1, 100));
        LockSupport.parkNanos(random.nextInt(20_000_000));
        JkvmProcess.signal(jkvm.pid(), "KILL");
        JkvmProcess.Result killed = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
        assertEquals(128 + 9, killed.status(), killed::toString);
        assertTrue(killed.err().contains("disks work by " + engine), killed::toString);
        long last =
            COMMITTED
                .matcher(killed.out())
                .results()
                .map(MatchResult::group)
                .mapToLong(line -> Long.parseLong(line.strip().split(" ")[1]))
                .max()
                .orElse(first - 1); // the first line may have been cut
        check(ByteBuffer.wrap(Files.readAllBytes(disk)), first, last);
      }
    }
  }

  /** A process inherits what is refused the thread that starts it. */
  static JkvmProcess start(String engine, String... options) throws Exception {
    return engine.equals("threads")
        ? RefusedCall.run(RefusedCall.IO_URING_SETUP, Errno.EPERM, () -> JkvmProcess.start(options))
        : JkvmProcess.start(options);
  }

  /** Each sector is of the last round that was committed in its place, or of a later one. */
  private void check(ByteBuffer image, long first, long last) {
    image.order(ByteOrder.LITTLE_ENDIAN);
    for (int sector = 0; sector < rounds.length; sector++) {
      int at = DISK_BYTES / 2 + sector * SECTOR_BYTES;
      long place = (long) sector * SECTOR_BYTES / PLACE_BYTES;
      long round = round(image, at);
      String what = "sector at byte " + at + " has round " + round + ", committed is " + last;
      assertTrue(round == 0 || round % PLACES == place, what);
      long newest = last - Math.floorMod(last - place, (long) PLACES);
      assertTrue(round >= (newest >= first ? newest : rounds[sector]), what);
      rounds[sector] = round;
    }
  }

  /** 0 before any. */
  private static long round(ByteBuffer image, int at) {
    long round = image.getLong(at) - (at / Long.BYTES + 1) * PATTERN_STEP;
    for (int word = at; word < at + SECTOR_BYTES; word += Long.BYTES) {
      assertEquals(
          round,
          image.getLong(word) - (word / Long.BYTES + 1) * PATTERN_STEP,
          "the sector at byte " + at + " is of two rounds, or of none");
    }
    return round;
  }
}
