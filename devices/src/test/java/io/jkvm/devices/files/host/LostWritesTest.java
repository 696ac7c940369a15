// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.files.FileDataIo;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A file system that takes what is written and finds no room for it later. */
@Timeout(300)
class LostWritesTest {
  private static final int PART = 1 << 16;
  private static final int PARTS = 64;

  @TempDir Path folder;

  private static boolean run(String script) throws Exception {
    return new ProcessBuilder("sh", "-c", script).inheritIO().start().waitFor() == 0;
  }

  /** The kernel tells each descriptor once, and then takes the lost data for written. */
  @Test
  void whatCouldNotBeWrittenStaysSo() throws Exception {
    HostShare.assumeRoot();
    Path small = Files.createDirectory(folder.resolve("small"));
    Path root = Files.createDirectory(folder.resolve("share"));
    String image = small.resolve("image").toString();
    assumeTrue(
        run(
            "mount -t tmpfs -o size=1m none "
                + small
                + " && truncate -s 16M "
                + image
                + " && mke2fs -q -t ext4 -O ^has_journal "
                + image
                + " && mount -o loop "
                + image
                + " "
                + root),
        "may not mount");
    try (HostShare share = new HostShare(root);
        Fd control = Fd.open(root.toString(), Fd.READ_ONLY)) {
      try (OpenFile file = share.create(ROOT, "f", 0600, OpenFlags.READ_WRITE)) {
        String part = "x".repeat(PART);
        for (int i = 0; i < PARTS; i++) {
          assertEquals(PART, write(file, part, (long) i * PART));
        }
      }
      assertTrue(share.tree.sync() < 0, "the file system was not full");
      assertTrue(FileDataIo.syncfs(control.value()) < 0, "not told by the kernel");
      assertEquals(0, FileDataIo.syncfs(control.value()), "the kernel has not forgotten it");
      assertTrue(share.tree.sync() < 0, "forgotten");
    } finally {
      run("umount -l " + root + "; umount -l " + small);
    }
  }
}
