// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.kernel.KernelSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code jkvm test} with each kind of root, and what is brought into it. */
@RequiresKvm
@Guests
class CommandRootsIT {
  private static final String BUSYBOX = "/bin/busybox";

  @TempDir Path folder;

  /** A root with two files and no program. */
  @BeforeEach
  void root() throws Exception {
    Files.createDirectories(folder.resolve("root/etc"));
    Files.writeString(folder.resolve("root/etc/marker"), "the root's\n");
    Files.writeString(folder.resolve("root/etc/kept"), "kept\n");
    Files.writeString(folder.resolve("marker"), "brought\n");
    Files.createDirectories(folder.resolve("data/.hidden"));
    Files.writeString(folder.resolve("data/.hidden/file"), "data\n");
  }

  private void sh(String script) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder("sh", "-ec", script).directory(folder.toFile()).inheritIO();
    builder.environment().merge("PATH", ":/usr/sbin:/sbin", String::concat);
    assertEquals(0, builder.start().waitFor(), script);
  }

  /** Runs it in the folder, as a shell's user would. */
  private JkvmProcess.Result test(String before, String... arguments) throws Exception {
    String quoted =
        CommandEndsIT.command(arguments).stream()
            .map(word -> "'" + word.replace("'", "'\\''") + "'")
            .collect(Collectors.joining(" "));
    return JkvmProcess.run(
        JkvmProcess.BOOT_SECONDS,
        List.of("sh", "-c", "cd " + folder + " && " + before + " " + quoted));
  }

  private static String[] bringing(String root, String script) {
    return new String[] {
      "--root",
      root,
      "--include",
      BUSYBOX,
      "--include",
      "marker:/etc/marker",
      "--include",
      "data:/opt/data",
      "--log",
      "k.log",
      "--",
      BUSYBOX,
      "sh",
      "-c",
      script
    };
  }

  /** An image as a machine that was killed leaves it; the program's libraries come along. */
  @Test
  void anImageHasWhatIsBroughtAndIsNotWritten() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/sbin/mke2fs")), "no mke2fs");
    assumeTrue(Files.isExecutable(Path.of("/usr/sbin/debugfs")), "no debugfs");
    // As where temporary files are on a disk of their own.
    sh(
        "rm -rf root/tmp; mkdir -p root/var/tmp && echo stale >root/var/tmp/stale"
            + " && ln -s /var/tmp root/tmp");
    sh("mke2fs -q -t ext4 -d root root.img 8M; debugfs -w -R 'feature needs_recovery' root.img");
    Path image = folder.resolve("root.img");
    Path before = Files.copy(image, folder.resolve("before"));
    JkvmProcess.Result result =
        test(
            "",
            bringing(
                "root.img",
                "cat /etc/marker /etc/kept /opt/data/.hidden/file; echo new >/etc/kept;"
                    + " cat /etc/kept; echo x >/tmp/x && [ ! -e /tmp/stale ] && exit 7"));
    assertEquals(7, result.status(), result::toString);
    assertEquals("brought\nkept\ndata\nnew\n", result.out(), result::toString);
    assertEquals(-1, Files.mismatch(before, image));
    String log = Files.readString(folder.resolve("k.log"));
    assertTrue(log.contains("/dev/vda: its ext4 was not unmounted"), log);
  }

  @Test
  void aDirectoryHasWhatIsBroughtAndIsNotWritten() throws Exception {
    JkvmProcess.Result result =
        test(
            "",
            bringing(
                "root",
                "cat /etc/marker /etc/kept /opt/data/.hidden/file; echo new >/etc/kept; exit 7"));
    assertEquals(7, result.status(), result::toString);
    assertEquals("brought\nkept\ndata\n", result.out(), result::toString);
    assertEquals("kept\n", Files.readString(folder.resolve("root/etc/kept")));
  }

  /** In the directory of the host's user, who is another one than root. */
  @Test
  void aCommandOfAnothersFindsItsLibrariesAndMayWrite() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/cc")), "no compiler");
    sh(
        "mkdir lib; echo 'int own(void) { return 5; }' | cc -shared -o lib/libown.so -xc -;"
            + " echo 'int own(void); int main(void) { return own(); }' >t.c;"
            + " cc -o t t.c -Llib -lown");
    JkvmProcess.Result result =
        test(
            "LD_LIBRARY_PATH=lib",
            "--include",
            "t",
            "--user",
            "1000",
            "--",
            "sh",
            "-c",
            "./t; echo $? >out; cat out; id -u; exit 7");
    assertEquals(7, result.status(), result::toString);
    assertEquals("5\n1000\n", result.out(), result::toString);
  }

  /** The default guest's kernel has no modules, which is said and not left to the command. */
  @Test
  void aModuleForAKernelWithoutModulesIsRefused() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/cc")), "no compiler");
    String release = KernelSource.of(ProjectFiles.guestImage("bzImage")).release().orElseThrow();
    List<String> info = Arrays.asList("vermagic=" + release + " SMP ", "depends=");
    sh(
        "printf 'char i[] __attribute__((section(\".modinfo\"))) = \""
            + String.join("\\\\0", info)
            + "\";' | cc -c -o own.ko -xc -");
    JkvmProcess.Result result = test("", "--module", "./own.ko", "--", "true");
    assertEquals(125, result.status(), result::toString);
    assertTrue(result.err().contains("CONFIG_MODULES"), result::toString);
  }
}
