// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What programs do with the host's root and this directory, that other hypervisors failed at. */
@RequiresKvm
@Guests
class CommandHostFilesIT {
  @TempDir Path folder;

  private JkvmProcess.Result test(String setUp, Path kernel, String... arguments) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of(
                "sh",
                "-c",
                "cd " + folder + " && " + setUp + " && exec \"$@\"",
                "sh",
                JkvmProcess.binary().toString(),
                "test",
                "--mem",
                "128M",
                "--kernel",
                kernel.toString()));
    all.addAll(Arrays.asList(arguments));
    return JkvmProcess.run(JkvmProcess.BOOT_SECONDS, all);
  }

  /** The status tells which line failed. */
  @Test
  void programsFindWhatTheyExpect() throws Exception {
    assumeTrue(BadFiles.isRoot(), "only root may mount");
    String setUp =
        "mkdir m1 m2 && mount -t tmpfs none m1 && mount -t tmpfs none m2 && echo one >m1/f"
            + " && echo two >m2/f && [ $(stat -c %i m1/f) = $(stat -c %i m2/f) ]"
            + " && mkfifo fifo && ln -s nowhere dangling && ln -s \"$PWD\" self";
    String script =
        String.join(
            "; ",
            // Over the root, which is read-only below.
            "mkdir /usr/share/zz && echo x >>/etc/hosts && chmod 600 /etc/passwd || exit 11",
            "echo x >>/etc/passwd && tail -n 1 /etc/passwd | grep -qx x || exit 12",
            // File systems with equal inode numbers.
            "cp m1/f m2/f && grep -qx one m2/f || exit 13",
            "[ $(stat -c %d:%i m1/f) != $(stat -c %d:%i m2/f) ] || exit 14",
            "[ $(find . -name f | wc -l) = 2 ] && [ $(tar c m1 m2 | tar t | wc -l) = 4 ] || exit 15",
            // Times.
            "touch -d @1.123456789 a && touch -r a b && cp -p a c || exit 16",
            "[ \"$(stat -c %.9Y a b c | uniq)\" = 1.123456789 ] || exit 17",
            // What is no file, and leads nowhere.
            "[ -p fifo ] && [ -L dangling ] && [ ! -e dangling ] && ls -l >/dev/null || exit 18",
            "(sleep 60 >fifo &) 2>/dev/null; cat self/a || exit 19",
            // Names.
            "n=$(printf 'a\\377\\376b'); l=$(printf '%255s' x | tr ' ' y); touch \"$n\" \"$l\" 'n\nl'"
                + " || exit 20",
            "[ -e \"$n\" ] && rm \"$n\" \"$l\" 'n\nl' && [ ! -e \"$n\" ] || exit 21",
            // A file that has lost its name.
            "exec 9<>gone && rm gone && echo content >&9 && grep -qx content /proc/self/fd/9"
                + " || exit 22",
            // No service, nothing of the host's tables, and name spaces as tests want them.
            "! grep -v '^#' /etc/fstab && getent hosts localhost >/dev/null || exit 23",
            "unshare -m sh -c 'mount -t tmpfs none /mnt && touch /mnt/x' && [ ! -e /mnt/x ] || exit 24",
            "mkdir /m && mount -t virtiofs jkvm-root /m || exit 25",
            "for d in proc sys dev; do [ -z \"$(ls -A /m/$d)\" ] || exit 26; done",
            "[ ! -x /usr/bin/dpkg ] || dpkg -l >/dev/null || exit 27",
            "kill %% 2>/dev/null; exit 0");
    try {
      JkvmProcess.Result result =
          test(setUp, ProjectFiles.guestImage("bzImage"), "--", "sh", "-c", script);
      assertEquals(0, result.status(), result::toString);
      assertEquals("two\n".length(), Files.size(folder.resolve("m2/f")));
      assertEquals("one\n", Files.readString(folder.resolve("m2/f")));
      assertFalse(Files.exists(Path.of("/usr/share/zz")));
    } finally {
      JkvmProcess.run(
          JkvmProcess.STOP_SECONDS,
          List.of("umount", folder.resolve("m1").toString(), folder.resolve("m2").toString()));
    }
  }

  /** Which has less than one for each file that the guest's kernel remembers. */
  @Test
  void fewDescriptorsAreEnoughToLookAround() throws Exception {
    String script =
        "find /usr/lib /etc -maxdepth 2 >/dev/null && i=0; while [ $i -lt 30 ]; do"
            + " echo $i >f$i; i=$((i+1)); done; cat f? f?? | wc -l";
    JkvmProcess.Result result =
        test("ulimit -n 256", ProjectFiles.guestImage("bzImage"), "--", "sh", "-c", script);
    assertEquals(0, result.status(), result::toString);
    assertEquals("30\n", result.out(), result::toString);
  }

  /** Before there is a guest. */
  @Test
  void aRootThatTheKernelCanNotHaveIsRefusedByItsOption() throws Exception {
    Path build = Files.createDirectory(folder.resolve("build"));
    Path kernel = Files.copy(ProjectFiles.guestImage("bzImage"), build.resolve("bzImage"));
    String some = "CONFIG_64BIT=y\nCONFIG_VIRTIO_FS=y\n";
    Files.writeString(build.resolve(".config"), some);
    JkvmProcess.Result result = test("true", kernel, "--root", "host", "--", "true");
    assertEquals(125, result.status(), result::toString);
    assertTrue(result.err().contains("CONFIG_OVERLAY_FS"), result::toString);
  }
}
