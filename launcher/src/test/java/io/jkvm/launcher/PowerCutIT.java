// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.jkvm.core.testing.FuseFile;
import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.WriteLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Linux writes files to an ext4 on a disk and syncs them; after a power cut at any moment the
 * journal leaves a file system without a fault, with all that was synced. {@code JKVM_CUTS} says
 * how many cuts are looked at.
 */
@RequiresKvm
@Guests
class PowerCutIT {
  private static final int CUTS =
      Optional.ofNullable(System.getenv("JKVM_CUTS")).map(Integer::parseInt).orElse(50);
  private static final int FILES = 12;
  private static final Pattern SYNCED = Pattern.compile("([0-9a-f]{64})  /mnt/f(\\d+)[.]bin");

  @TempDir Path folder;

  private final Random random = new Random();

  /** From so many writes and flushes on, so many files are there. */
  private record Acknowledged(int position, int files) {}

  private final List<Acknowledged> acknowledged = new ArrayList<>();
  private final List<String> hashes = new ArrayList<>();

  @Test
  void whatLinuxHasSyncedIsThere() throws Exception {
    assertSyncedIsThere("writeback", "", "io_uring");
  }

  @ParameterizedTest
  @CsvSource({
    "writeback,',direct',io_uring",
    "writethrough,'',io_uring",
    "writethrough,',direct',io_uring",
    "writeback,'',threads",
    "writeback,',direct',threads",
    "writethrough,'',threads",
    "writethrough,',direct',threads",
    "unsafe,'',io_uring",
  })
  @LongTest
  void whatLinuxHasSyncedIsThereInEachOtherMode(String cache, String direct, String engine)
      throws Exception {
    assertSyncedIsThere(cache, direct, engine);
  }

  private void assertSyncedIsThere(String cache, String direct, String engine) throws Exception {
    Path empty = folder.resolve("empty.img");
    Files.write(empty, new byte[16 << 20]);
    // Without checksums: ext4 does not bear a superblock of which one sector is new.
    run("mke2fs", "-q", "-t", "ext4", "-O", "^metadata_csum", "-F", empty.toString());
    WriteLog log = new WriteLog(Files.readAllBytes(empty));
    try (FuseFile file = new FuseFile(folder.resolve("disk.img"), log, 1)) {
      write(file.path() + ",cache=" + cache + direct, engine, log);
    }
    List<String> faults = cut(log);
    if (cache.equals("unsafe")) {
      assertNotEquals(List.of(), faults, "a disk that does not flush passes");
    } else {
      assertEquals(List.of(), faults);
    }
  }

  private void write(String disk, String engine, WriteLog log) throws Exception {
    String script =
        "mount /dev/vdb /mnt; i=1; while [ $i -le "
            + FILES
            + " ]; do dd if=/bin/busybox of=/mnt/f$i.bin bs=1000 skip=$i count=$((i*9));"
            + " sync /mnt/f$i.bin; sha256sum /mnt/f$i.bin; i=$((i+1)); done; echo all synced; sleep 1000";
    try (JkvmProcess jkvm =
        DiskKillIT.start(
            engine,
            "--kernel",
            ProjectFiles.guestImage("bzImage").toString(),
            "--mem",
            "64M",
            "--disk",
            ProjectFiles.guestImage("rootfs.img") + ",ro",
            "--disk",
            disk,
            "--cmdline",
            "quiet jkvm.run=\"" + script + "\"")) {
      for (int files = 1; files <= FILES; files++) {
        jkvm.awaitOutput("  /mnt/f" + files + ".bin");
        acknowledged.add(new Acknowledged(log.position(), files));
      }
      jkvm.awaitOutput("all synced");
      Matcher synced = SYNCED.matcher(jkvm.output());
      while (synced.find()) {
        hashes.add(synced.group(1));
      }
      assertEquals(FILES, hashes.size(), jkvm::output);
    }
  }

  private List<String> cut(WriteLog log) throws Exception {
    List<String> faults = new ArrayList<>();
    WriteLog.Cuts cuts = log.cuts();
    Path image = folder.resolve("cut.img");
    for (int position : random.ints(CUTS, 0, log.position() + 1).sorted().toArray()) {
      int files =
          acknowledged.stream()
              .filter(each -> each.position <= position)
              .mapToInt(each -> each.files)
              .max()
              .orElse(0);
      Files.write(image, cuts.at(position, random));
      String fault = fault(image, files);
      if (!fault.isEmpty()) {
        faults.add("cut at " + position + " of " + log.position() + ": " + fault);
      }
    }
    return faults;
  }

  /** What is wrong with an image; empty if nothing is. */
  private String fault(Path image, int files) throws Exception {
    run("e2fsck", "-E", "journal_only", "-y", image.toString());
    JkvmProcess.Result check = run("e2fsck", "-fn", image.toString());
    if (check.status() != 0) {
      return check.toString();
    }
    for (int i = 1; i <= files; i++) {
      Path copy = folder.resolve("copy");
      Files.deleteIfExists(copy);
      run("debugfs", "-R", "dump f" + i + ".bin " + copy, image.toString());
      if (!Files.exists(copy) || !sha256(copy).equals(hashes.get(i - 1))) {
        return "file " + i + " of " + files + " is not as it was";
      }
    }
    return "";
  }

  private static String sha256(Path file) throws Exception {
    return HexFormat.of()
        .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
  }

  private static JkvmProcess.Result run(String... command)
      throws IOException, InterruptedException {
    return JkvmProcess.run(JkvmProcess.STOP_SECONDS, List.of(command));
  }
}
