// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code jkvm test} on the host's root, as by default, with this directory and others shared. */
@RequiresKvm
@Guests
class CommandHostRootIT {
  private static final String[] NO_GUEST = {"--verbose", "--module", "./absent.ko", "--", "true"};

  @TempDir Path folder;

  private JkvmProcess.Result test(String... arguments) throws Exception {
    return test(ProjectFiles.guestImage("bzImage"), arguments);
  }

  /** Runs it in the folder, as a shell's user would. */
  private JkvmProcess.Result test(Path kernel, String... arguments) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of(JkvmProcess.binary().toString(), "test", "--kernel", kernel.toString()));
    if (!List.of(arguments).contains("--mem")) {
      all.addAll(List.of("--mem", "128M")); // enough for a compiler, and less to begin with
    }
    all.addAll(Arrays.asList(arguments));
    String quoted =
        all.stream()
            .map(word -> "'" + word.replace("'", "'\\''") + "'")
            .collect(Collectors.joining(" "));
    return JkvmProcess.run(
        JkvmProcess.BOOT_SECONDS, List.of("sh", "-c", "cd " + folder + " && " + quoted));
  }

  /** By its configuration: the kernel is the same. */
  @Test
  void aKernelThatHasNinePAloneIsServedToo() throws Exception {
    Path build = Files.createDirectory(folder.resolve("build"));
    Path kernel = Files.copy(ProjectFiles.guestImage("bzImage"), build.resolve("bzImage"));
    String needed =
        JkvmProcess.run(
                JkvmProcess.STOP_SECONDS,
                List.of(JkvmProcess.binary().toString(), "test", "--print-config"))
            .out();
    Files.writeString(
        build.resolve(".config"),
        needed.replace("CONFIG_VIRTIO_FS=y", "CONFIG_9P_FS=y\nCONFIG_NET_9P_VIRTIO=y"));
    Files.writeString(folder.resolve("in"), "input\n");
    String script = "grep -c virtiofs /proc/mounts; cat in; echo done >out; mv out there";
    JkvmProcess.Result result = test(kernel, "--", "sh", "-c", script);
    assertEquals(0, result.status(), result::toString);
    assertEquals("0\ninput\n", result.out(), result::toString);
    assertEquals("done\n", Files.readString(folder.resolve("there")));
  }

  /** Before there is a guest: what else is wrong is said then, too. */
  @Test
  void whichRootItIsCanBeSeen() throws Exception {
    Path build = Files.createDirectory(folder.resolve("build"));
    Path kernel = Files.copy(ProjectFiles.guestImage("bzImage"), build.resolve("bzImage"));
    Files.writeString(build.resolve(".config"), "CONFIG_64BIT=y\nCONFIG_OVERLAY_FS=y\n");
    assertRoot("initramfs, as the kernel lacks CONFIG_VIRTIO_FS (or ", test(kernel, NO_GUEST));
    assertRoot("host, which the kernel can have", test(NO_GUEST));
    List<String> named = new ArrayList<>(List.of("--root", "initramfs"));
    named.addAll(List.of(NO_GUEST));
    assertRoot("initramfs, as was asked for", test(named.toArray(String[]::new)));
  }

  private static void assertRoot(String words, JkvmProcess.Result result) {
    assertEquals(125, result.status(), result::toString);
    assertEquals(
        1,
        result.err().lines().filter(line -> line.contains("the guest's root: " + words)).count(),
        result::toString);
  }

  @Test
  void aProgramIsBuiltThereAndIsHere() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/cc")), "no compiler");
    Files.writeString(folder.resolve("t.c"), "int main(void) { return 7; }\n");
    JkvmProcess.Result result = test("--", "sh", "-c", "cc -o t t.c && ./t");
    assertEquals(7, result.status(), result::toString);
    assertEquals(
        7, new ProcessBuilder(folder.resolve("t").toString()).start().waitFor(), "on the host");
  }

  /** What a program leaves in mapped files is written when it is gone, and nobody could tell it. */
  @Test
  void whatCanNotBeWrittenAtTheEndIsTold() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/cc")), "no compiler");
    Path small = Files.createDirectory(folder.resolve("small"));
    Files.writeString(
        folder.resolve("t.c"),
        """
        #include <fcntl.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        int main(void) {
          int fd = open("small/f", O_RDWR | O_CREAT, 0600);
          if (ftruncate(fd, 1 << 20)) return 1;
          char *p = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
          if (p == MAP_FAILED) return 2;
          memset(p, 'x', 1 << 20);
          return 0;
        }
        """);
    sh("cc -o t t.c && mount -t tmpfs -o size=64k none " + small);
    try {
      JkvmProcess.Result result = test("--", "./t");
      assertEquals(0, result.status(), result::toString);
      String line = "the guest can't sync: No space left on device";
      assertTrue(result.err().contains(line), result::toString);
    } finally {
      sh("umount " + small);
    }
  }

  private void sh(String script) throws Exception {
    Process process =
        new ProcessBuilder("sh", "-c", script).directory(folder.toFile()).inheritIO().start();
    assertEquals(0, process.waitFor(), script);
  }

  /** What was changed of the root is seen in the guest and nowhere else. */
  @Test
  void theHostsRootIsNotWritten() throws Exception {
    byte[] before = listing();
    String script =
        "rm -rf /etc/default && [ ! -e /etc/default ] && mkdir /etc/default"
            + " && echo gone >/etc/passwd && cat /etc/passwd && echo x >/usr/bin/new && ls /usr/bin/new"
            + " && echo here >own || exit 3;"
            + " grep -q ' / / [^-]*shared:' /proc/self/mountinfo || exit 5;"
            // The device itself once more, in which only the guest's memory has been left out.
            + " mkdir /m && mount -t virtiofs jkvm-root /m || exit 6; mount -o remount,rw /m || exit 9;"
            + " for d in proc sys; do [ -z \"$(ls -A /m/$d)\" ] || exit 7; done;"
            + " for change in 'echo x >/m/etc/n' 'chmod 600 /m/etc/hosts' 'touch /m/etc/hosts'"
            + " 'ln /m/etc/hosts /m/etc/l' 'mv /m/etc /m/new'; do"
            + " sh -c \"$change\" 2>&1 | grep -q 'Read-only file system' || exit 8; done";
    JkvmProcess.Result result = test("--", "sh", "-c", script);
    assertEquals(0, result.status(), result::toString);
    assertEquals("gone\n/usr/bin/new\n", result.out());
    assertEquals("here\n", Files.readString(folder.resolve("own")));
    assertEquals(new String(before), new String(listing()));
    assertFalse(Files.exists(Path.of("/usr/bin/new")));
  }

  private static byte[] listing() throws IOException {
    String command = "find /etc /usr/bin -printf '%p %i %m %U %s %T@ %C@\\n' | sort";
    return new ProcessBuilder("sh", "-c", command).start().getInputStream().readAllBytes();
  }

  /** The guest's kernel leaves them to the device, and has to see that they are gone. */
  @Test
  void whoeverWritesToAnOthersFileTakesItsSetIdBits() throws Exception {
    List<String> changes = List.of("echo x >>f", "echo x 1<>f", "echo x >f", "truncate -s 1 f");
    for (int i = 0; i < changes.size(); i++) {
      Path file = Files.writeString(folder.resolve("f" + i), "12345\n");
      Files.setAttribute(file, "unix:mode", 06777);
    }
    Files.setAttribute(folder, "unix:mode", 0777);
    StringBuilder script = new StringBuilder();
    for (int i = 0; i < changes.size(); i++) {
      String change = changes.get(i).replace("f", "f" + i);
      script.append("stat -c %a f" + i + ";");
      script.append("setpriv --reuid 1 --regid 1 --clear-groups sh -c '" + change + "';");
      script.append("stat -c %a f" + i + ";");
    }
    JkvmProcess.Result result = test("--", "sh", "-c", script.toString());
    assertEquals(0, result.status(), result::toString);
    assertEquals("6777\n777\n".repeat(changes.size()), result.out(), result::toString);
    for (int i = 0; i < changes.size(); i++) {
      int mode = (int) Files.getAttribute(folder.resolve("f" + i), "unix:mode");
      assertEquals(0777, mode & 07777, changes.get(i));
    }
  }

  /** What the guest's kernel remembers of the file counts when it is run. */
  @Test
  void aProgramThatSomebodyWritesToRunsAsNobodyElseAtOnce() throws Exception {
    Path program = Files.copy(Path.of("/usr/bin/id"), folder.resolve("id"));
    Files.setAttribute(program, "unix:mode", 06777);
    Files.setAttribute(folder, "unix:mode", 0777);
    String script = "./id -u; cat /usr/bin/id 1<>id; ./id -u";
    JkvmProcess.Result result =
        test("--", "setpriv", "--reuid", "1", "--regid", "1", "--clear-groups", "sh", "-c", script);
    assertEquals(0, result.status(), result::toString);
    assertEquals("0\n1\n", result.out(), result::toString);
  }

  @Test
  void sharesAreWhereTheyWereAskedForAndAsTheyWereAskedFor() throws Exception {
    Files.createDirectories(folder.resolve("data/deep"));
    Files.createDirectories(folder.resolve("results"));
    Files.writeString(folder.resolve("data/in"), "input\n");
    String script =
        "cat /mnt/data/in; echo x 2>/dev/null >/mnt/data/new || echo refused;"
            + " mount -o remount,rw /mnt/data 2>/dev/null; echo x 2>/dev/null >/mnt/data/new"
            + " || echo refused again; echo done >/mnt/results/out;"
            + " echo x 2>/dev/null >here || echo refused here";
    JkvmProcess.Result result =
        test(
            "--ro",
            "--share",
            "data:/mnt/data,ro",
            "--share",
            "results:/mnt/results",
            "--",
            "sh",
            "-c",
            script);
    assertEquals(0, result.status(), result::toString);
    assertEquals("input\nrefused\nrefused again\nrefused here\n", result.out(), result::toString);
    assertEquals("done\n", Files.readString(folder.resolve("results/out")));
    assertFalse(Files.exists(folder.resolve("data/new")));
    assertFalse(Files.exists(folder.resolve("here")));
  }

  /** The first of two guests makes a link of the second one's log and of its disk. */
  @Test
  void aGuestCanNotLeadTheNextOnesFilesElsewhere() throws Exception {
    Path outside = Files.writeString(folder.resolve("outside"), "x".repeat(4096));
    Path here = Files.createDirectory(folder.resolve("here"));
    Files.write(here.resolve("disk"), new byte[4096]);
    String script =
        "head -c 5 /dev/vda >>read; [ -L disk ] || {"
            + " ln -sf ../outside k-2.log; ln -sf ../outside disk; }";
    JkvmProcess.Result result =
        JkvmProcess.run(
            JkvmProcess.BOOT_SECONDS,
            List.of(
                "sh",
                "-c",
                "cd " + here + " && exec \"$@\"",
                "sh",
                JkvmProcess.binary().toString(),
                "test",
                "--kernel",
                ProjectFiles.guestImage("bzImage").toString(),
                "--repeat",
                "2",
                "--log",
                "k.log",
                "--disk",
                "disk",
                "--",
                "sh",
                "-c",
                script));
    assertEquals(0, result.status(), result::toString);
    assertEquals("x".repeat(4096), Files.readString(outside));
    assertArrayEquals(new byte[10], Files.readAllBytes(here.resolve("read")));
    assertTrue(Files.readString(here.resolve("k-2.log")).contains("Linux version"));
  }

  /** A process of the host swaps a directory and a link that leads out of the share meanwhile. */
  @Test
  @LongTest
  void swapsOnTheHostLeadAGuestNowhereElse() throws Exception {
    Path data = Files.createDirectory(folder.resolve("data"));
    Path directory = Files.createDirectory(data.resolve("d"));
    Path aside = data.resolve("aside");
    Path outside = Files.createDirectory(folder.resolve("outside"));
    Files.writeString(directory.resolve("f"), "inside\n");
    Files.writeString(outside.resolve("f"), "outside\n");
    AtomicBoolean ended = new AtomicBoolean();
    FutureTask<Integer> swaps =
        new FutureTask<>(
            () -> {
              int count = 0;
              while (!ended.get()) {
                Files.move(directory, aside);
                Files.createSymbolicLink(directory, Path.of("../outside"));
                Files.delete(directory);
                Files.move(aside, directory);
                count++;
              }
              return count;
            });
    Thread swapper = new Thread(swaps, "test-swaps");
    swapper.start();
    JkvmProcess.Result result;
    try {
      // Nothing but what the shell does itself: a process takes longer than all of this.
      String script =
          "cd /mnt/data; i=0; while [ $i -lt 500 ]; do i=$((i + 1));"
              + " read -r line <d/f && echo $line; echo w >d/w; read -r line <d/../../outside/f"
              + " && echo $line; done 2>/dev/null; echo end";
      result = test("--share", "data:/mnt/data", "--", "sh", "-c", script);
    } finally {
      ended.set(true);
    }
    assertTrue(swaps.get() > 500);
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().matches("(inside\n)+end\n"), result::toString);
    assertEquals("outside\n", Files.readString(outside.resolve("f")));
    try (Stream<Path> files = Files.list(outside)) {
      assertEquals(1, files.count(), "what the guest wrote");
    }
  }

  @Test
  void whatCanNotBeSharedIsOneLine() throws Exception {
    Files.writeString(folder.resolve("file"), "");
    assertSetup("there is no directory nowhere to share", "--share", "nowhere:/mnt");
    assertSetup("file is not a directory", "--share", "file:/mnt");
    assertSetup("would be the guest's root", "--share", "/");
    assertSetup("can't be shared at '/proc/x'", "--share", ".:/proc/x");
    assertSetup("at /mnt", "--share", ".:/mnt", "--share", "/usr:/mnt");
  }

  private void assertSetup(String words, String... options) throws Exception {
    List<String> all = new ArrayList<>(Arrays.asList(options));
    all.addAll(List.of("--", "true"));
    JkvmProcess.Result result = test(all.toArray(String[]::new));
    assertEquals(125, result.status(), result::toString);
    List<String> lines = result.err().lines().toList();
    String last = lines.get(lines.size() - 1);
    assertTrue(
        last.startsWith("jkvm: setup, status 125") && last.contains(words), result::toString);
  }
}
