// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code jkvm test} on the host's root, run by an ordinary user: what the guest's root can do. */
@RequiresKvm
@Guests
class CommandUserRootIT {
  @TempDir Path folder;

  /** The status tells which line failed. */
  @Test
  void theGuestsRootCanWork() throws Exception {
    assumeTrue(BadFiles.isRoot(), "only root can be somebody else");
    String script =
        String.join(
            "; ",
            "cat /etc/os-release >/dev/null || exit 11",
            "cp -a /usr/bin/env /tmp/ || exit 12",
            "touch f || exit 13",
            "[ $(stat -c %u f) = 65534 ] || exit 14",
            "chown 0:0 f || exit 15",
            "chown 1 f 2>/dev/null && exit 16",
            "grep -q '^root:[*]' /etc/shadow || exit 17",
            "[ ! -e /etc/gshadow ] || grep -q '^root:[*]' /etc/gshadow || exit 18",
            "mkdir -p ~/.cache/x && echo x >~/.profile || exit 19",
            "echo x >>/etc/hosts && grep -q x /etc/hosts || exit 20",
            "[ $(su -s /bin/sh -c 'id -u' nobody) = 65534 ] || exit 23",
            // Git wants repositories to be its user's; no git, no difference.
            "if [ -x /usr/bin/git ]; then git init -q . && git add f"
                + " && git -c user.name=a -c user.email=a@b commit -qm c && git fsck || exit 21; fi",
            "if [ -x /usr/bin/cc ]; then echo 'int main(void) { return 0; }' >t.c"
                + " && cc -o t t.c && ./t || exit 22; fi");
    JkvmProcess.Result result = test(script);
    assertEquals(0, result.status(), result::toString);
    assertEquals(65534, Files.getAttribute(folder.resolve("here/f"), "unix:uid"));
  }

  /** In a directory that everybody may write. */
  private JkvmProcess.Result test(String script) throws Exception {
    BadFiles.chmod(folder, "rwxr-xr-x");
    Path kvm = BadFiles.kvmForEverybody(folder);
    Path home = folder.resolve("jkvm");
    BadFiles.copyTree(JkvmProcess.binary().getParent().getParent(), home);
    Path kernel = Files.copy(ProjectFiles.guestImage("bzImage"), folder.resolve("bzImage"));
    BadFiles.chmod(kernel, "rw-r--r--");
    Path here = BadFiles.chmod(Files.createDirectory(folder.resolve("here")), "rwxrwxrwx");
    return JkvmProcess.run(
        JkvmProcess.BOOT_SECONDS,
        BadFiles.unprivileged(
            List.of(
                "sh",
                "-c",
                "cd " + here + " && exec \"$@\"",
                "sh",
                home.resolve("bin/jkvm").toString(),
                "test",
                "--kvm",
                kvm.toString(),
                "--kernel",
                kernel.toString(),
                "--root",
                "host",
                "--",
                "sh",
                "-c",
                script)));
  }
}
