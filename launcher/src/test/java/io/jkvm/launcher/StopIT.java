// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.devices.storage.RawImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an end leaves behind, and a stop that is none. EndsIT has the names and statuses. */
@RequiresKvm
@Guests
class StopIT {
  private static final String KERNEL = ProjectFiles.guestImage("bzImage").toString();
  private static final String INITRD = ProjectFiles.guestImage("initramfs.cpio").toString();

  @TempDir Path folder;

  @Test
  void aSignalEndsPromptlyAndReleasesTheDisk() throws Exception {
    Path disk = Files.copy(ProjectFiles.guestImage("rootfs.img"), folder.resolve("root.img"));
    // Whatever started the tests may have had signals ignored, and that is inherited.
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT,TERM,HUP"));
    command.addAll(
        JkvmProcess.runCommand("--verbose", "--kernel", KERNEL, "--disk", disk.toString()));
    try (JkvmProcess jkvm = JkvmProcess.start(command)) {
      jkvm.awaitError("the guest runs");
      JkvmProcess.Result second = JkvmProcess.run("--kernel", KERNEL, "--disk", disk.toString());
      assertEquals(3, second.status(), second::toString);
      assertEquals(1, second.err().lines().count(), second::toString);
      assertTrue(
          second
              .err()
              .contains(disk + ": is in use: it is open elsewhere; stop the jkvm that has it"),
          second::toString);

      JkvmProcess.signal(jkvm.pid(), "TERM");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(143, result.status(), result::toString);
      assertTrue(result.err().contains("jkvm: signal"), result::toString);
    }
    RawImage.open(disk, false).close();
  }

  @Test
  void aCrashOfTheJvmLeavesNothingInTheDirectory() throws Exception {
    Path directory = Files.createDirectory(folder.resolve("current"));
    Path temporary = Files.createDirectory(folder.resolve("temporary files"));
    String shell = "ulimit -c 0; cd \"$1\"; export TMPDIR=\"$2\"; shift 2; exec \"$@\"";
    List<String> command = new ArrayList<>(List.of("sh", "-c", shell, "sh"));
    command.addAll(List.of(directory.toString(), temporary.toString()));
    command.addAll(JkvmProcess.runCommand("--verbose", "--kernel", KERNEL, "--initrd", INITRD));
    try (JkvmProcess jkvm = JkvmProcess.start(command)) {
      jkvm.awaitError("the guest runs");
      JkvmProcess.signal(jkvm.pid(), "SEGV");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(128 + 6, result.status(), result::toString); // it ends by abort(3)
      assertEquals(List.of(), BadFiles.namesIn(directory));
      String report = "jkvm-crash-" + jkvm.pid() + ".log";
      assertTrue(BadFiles.namesIn(temporary).contains(report), result::toString);
    }
  }

  /** The SMP kernel has ACPI and no driver for its button: nobody would power off. */
  @Test
  void aGuestThatDoesNotListenToItsPowerButtonGetsNoGrace() throws Exception {
    try (JkvmProcess jkvm =
        JkvmProcess.start(
            "--kernel",
            ProjectFiles.guestImage("bzImage-smp").toString(),
            "--initrd",
            INITRD,
            "--mem",
            "64M",
            "--grace",
            "600s",
            "--cmdline",
            "quiet")) {
      jkvm.awaitOutput("leave with exit");
      JkvmProcess.signal(jkvm.pid(), "TERM");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(143, result.status(), result::toString);
      assertFalse(result.err().contains("asked the guest"), result::toString);
    }
  }

  @Test
  void stopsAndContinuesAsAJob() throws Exception {
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=TSTP,CONT"));
    command.addAll(
        JkvmProcess.runCommand(
            "--quiet",
            "--kernel",
            KERNEL,
            "--initrd",
            INITRD,
            "--mem",
            "64M",
            "--cmdline",
            "quiet jkvm.run=\"for i in $(seq 4); do echo tick $i; sleep 1; done\""));
    try (JkvmProcess jkvm = JkvmProcess.start(command)) {
      jkvm.awaitOutput("tick 1");
      JkvmProcess.signal(jkvm.pid(), "TSTP");
      awaitState(jkvm.pid(), "T");
      JkvmProcess.signal(jkvm.pid(), "CONT");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(0, result.status(), result::toString);
      assertTrue(result.out().contains("tick 4"), result::toString);
    }
  }

  /** Waits for a state of /proc/PID/stat, behind the name in parentheses. */
  private static void awaitState(long pid, String state) throws Exception {
    Path stat = Path.of("/proc/" + pid + "/stat");
    for (String now = ""; !now.equals(state); Thread.sleep(10)) {
      now = Files.readString(stat).replaceFirst(".*\\) (.).*", "$1").strip();
    }
  }
}
