// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** What Linux writes to its disks is in the image, and what the image holds is what Linux reads. */
@RequiresKvm
@Guests
class DiskIT {
  private static final int DATA_BYTES = 1 << 20;
  private static final int COPY_BYTES = 256 << 10;

  /** What a disk has lost, if it has, is to be looked at. */
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path folder;

  private Path root;

  @BeforeEach
  void copyRoot() throws IOException {
    root = Files.copy(ProjectFiles.guestImage("rootfs.img"), folder.resolve("root.img"));
  }

  private static String[] args(String command, String... disks) {
    String[] fixed = {
      "--kernel",
      ProjectFiles.guestImage("bzImage").toString(),
      "--mem",
      "64M",
      "--cmdline",
      "quiet jkvm.run=\"" + command + "\""
    };
    String[] args = Arrays.copyOf(fixed, fixed.length + 2 * disks.length);
    for (int i = 0; i < disks.length; i++) {
      args[fixed.length + 2 * i] = "--disk";
      args[fixed.length + 2 * i + 1] = disks[i];
    }
    return args;
  }

  private static String sha256(byte[] bytes) throws GeneralSecurityException {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  @Test
  void twoDisksKeepWhatIsWrittenAlsoWhenTheHypervisorIsKilled() throws Exception {
    byte[] pattern = new byte[DATA_BYTES];
    new Random(42).nextBytes(pattern);
    Path data = Files.write(folder.resolve("data.img"), pattern);
    byte[] copied = Arrays.copyOf(pattern, COPY_BYTES);

    // Reads the second disk, takes a part of it into a file, and writes the part's first 64 KiB
    // to the disk's last.
    JkvmProcess.Result first =
        JkvmProcess.run(
            args(
                "cat /sys/block/vdb/serial; echo; sha256sum /dev/vdb;"
                    + " dd if=/dev/vdb of=/root/copy bs=4k count=64; sync;"
                    + " dd if=/root/copy of=/dev/vdb bs=4k count=16 seek=240 conv=fsync;"
                    + " mount",
                root.toString(),
                data + ",id=data-7"));
    assertEquals(0, first.status(), first::toString);
    assertTrue(first.out().contains("data-7"), first::toString);
    assertTrue(first.out().contains(sha256(pattern)), first::toString);
    assertTrue(first.out().contains("/dev/root on / type ext4 (rw"), first::toString);
    byte[] expected = pattern.clone();
    System.arraycopy(pattern, 0, expected, 240 * 4096, 16 * 4096);
    assertArrayEquals(expected, Files.readAllBytes(data));

    JkvmProcess.Result killed;
    // The file is there on the second boot. A copy that was synced outlives kill -9. By its name:
    // without one, sync of Linux before 6.10 may pass over a file that background writeback is at
    // (its commit d92109891f21 mends that).
    try (JkvmProcess second =
        JkvmProcess.start(
            args(
                "sha256sum /root/copy; cat /root/copy /root/copy > /root/twice; sync /root/twice;"
                    + " echo all synced; sleep 1000",
                root.toString()))) {
      second.awaitOutput("all synced");
      JkvmProcess.signal(second.pid(), "KILL");
      killed = second.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(128 + 9, killed.status(), killed::toString);
      assertTrue(killed.out().contains(sha256(copied) + "  /root/copy"), killed::toString);
    }

    Files.copy(root, folder.resolve("after-the-kill.img"));
    JkvmProcess.Result third = JkvmProcess.run(args("sha256sum /root/twice", root.toString()));
    assertEquals(0, third.status(), third::toString);
    byte[] twice = Arrays.copyOf(copied, 2 * COPY_BYTES);
    System.arraycopy(copied, 0, twice, COPY_BYTES, COPY_BYTES);
    assertTrue(
        third.out().contains(sha256(twice) + "  /root/twice"),
        () ->
            third
                + "\n--- the killed one\n"
                + killed
                + "\nimages before and after this boot are in "
                + folder);
  }

  @Test
  void aReadOnlyDiskIsNotWritten() throws Exception {
    String before = sha256(Files.readAllBytes(root));
    JkvmProcess.Result result =
        JkvmProcess.run(
            args(
                "echo ro=`cat /sys/block/vda/ro`; echo x > /file && echo file was written;"
                    + " dd if=/dev/zero of=/dev/vda bs=4k count=1 conv=fsync"
                    + " && echo disk was written; mount -o remount,rw / && echo is writable now;"
                    + " true",
                root + ",ro"));
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().contains("ro=1"), result::toString);
    assertTrue(result.out().contains("Read-only file system"), result::toString);
    assertFalse(result.out().contains("was written"), result::toString);
    assertFalse(result.out().contains("is writable now"), result::toString);
    assertEquals(before, sha256(Files.readAllBytes(root)));
  }

  /** By jkvm's own look at the file. */
  @Test
  void aDiskGrowsWhileTheGuestRuns() throws Exception {
    Path data = Files.write(folder.resolve("data.img"), new byte[DATA_BYTES]);
    int sectors = DATA_BYTES / 512;
    try (JkvmProcess jkvm =
        JkvmProcess.start(
            args(
                "echo may grow; while grep -qx "
                    + sectors
                    + " /sys/block/vdb/size; do sleep 1; done; echo now `cat /sys/block/vdb/size`;"
                    + " dd if=/dev/vda of=/dev/vdb bs=512 skip=2 seek="
                    + (2 * sectors - 1)
                    + " count=1 conv=fsync && echo the last sector is written",
                root + ",ro",
                data.toString()))) {
      jkvm.awaitOutput("may grow");
      try (FileChannel channel = FileChannel.open(data, StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.allocate(1), 2 * DATA_BYTES + 99);
      }
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(0, result.status(), result::toString);
      assertTrue(result.out().contains("now " + 2 * sectors), result::toString);
      assertTrue(result.out().contains("the last sector is written"), result::toString);
    }
    byte[] superblock = Arrays.copyOfRange(Files.readAllBytes(root), 1024, 1536);
    byte[] last =
        Arrays.copyOfRange(Files.readAllBytes(data), 2 * DATA_BYTES - 512, 2 * DATA_BYTES);
    assertArrayEquals(superblock, last);
  }

  /** A quarter goes at once, and Linux's last request of 128 KiB may go before it is paid for. */
  @Test
  void aDiskIsNoFasterThanItsLimit() throws Exception {
    Path data = Files.write(folder.resolve("data.img"), new byte[DATA_BYTES]);
    JkvmProcess.Result result =
        JkvmProcess.run(
            args(
                "echo from `cat /proc/uptime`; cat /dev/vdb | sha256sum;"
                    + " echo to `cat /proc/uptime`",
                root + ",ro",
                data + ",ro,queues=2,iops=1000,bps=" + DATA_BYTES / 4));
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().contains(sha256(new byte[DATA_BYTES])), result::toString);
    double seconds = uptime("to", result) - uptime("from", result);
    assertTrue(seconds >= 2.4, seconds + " s: " + result);
  }

  private static double uptime(String word, JkvmProcess.Result result) {
    Matcher matcher = Pattern.compile("(?m)^" + word + " ([0-9.]+) ").matcher(result.out());
    assertTrue(matcher.find(), result::toString);
    return Double.parseDouble(matcher.group(1));
  }
}
