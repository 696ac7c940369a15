// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.fs.VirtioFs;
import io.jkvm.machine.agent.CommandResult;
import io.jkvm.machine.agent.GuestAgent;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.root.RootSpec;
import io.jkvm.machine.spec.MachineSpec;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Linux's virtio-fs driver with the device: a writable directory and a zip file in one guest. */
@RequiresKvm
@Timeout(1200)
class VirtioFsIT {
  private static final Map<String, String> PATH = Map.of("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");

  @TempDir private static Path temporary;

  private static Path shared;
  private static FileSystem zip;
  private static JavaTree tree;
  private static GuestRoot root;
  private static Machine machine;
  private static GuestAgent agent;

  @BeforeAll
  static void boot() throws Exception {
    shared = Files.createDirectory(temporary.resolve("shared"));
    tree = new JavaTree("shared", shared);
    zip = FileSystems.newFileSystem(temporary.resolve("files.zip"), Map.of("create", "true"));
    Files.createDirectory(zip.getPath("/etc"));
    Files.writeString(zip.getPath("/etc/hosts"), "127.0.0.1 localhost\n");
    KernelSource kernel = KernelSource.of(ProjectFiles.guestImage("bzImage"));
    MachineSpec spec =
        MachineSpec.boot(kernel.image())
            .memoryMiB(128)
            .virtioDevice(() -> new VirtioFs("shared", tree, SharePolicy.writable(), 2))
            .virtioDevice(
                () ->
                    new VirtioFs(
                        "zip", new JavaTree("zip", zip.getPath("/")), SharePolicy.readOnlyCached()))
            .build();
    root =
        GuestRoot.make(
            new RootSpec(
                RootSpec.Kind.INITRAMFS,
                Optional.empty(),
                Optional.of("sh"),
                "/work",
                false,
                "/usr/bin:/bin",
                "",
                List.of(),
                List.of()),
            kernel,
            spec);
    machine = Machine.start(root.boot(spec).toBuilder().commandLine("quiet").build());
    agent = machine.agent();
    agent.awaitReady();
    assertOk("mkdir -p /mnt/shared /mnt/zip /mnt/over");
  }

  /** Last of all, so that it is about what the others did. */
  @AfterAll
  static void end() throws Exception {
    if (machine == null) {
      return;
    }
    try {
      String complaints = "dmesg | grep -e virtio-fs: -e virtiofs: -e fuse: | grep -v 'fuse: init'";
      assertEquals("", assertOk(complaints + " || true"));
    } finally {
      machine.close();
      root.close();
      zip.close();
    }
  }

  private static CommandResult sh(String script) throws Exception {
    return agent.run(GuestCommand.of("sh", "-c", script).environment(PATH));
  }

  /** Runs a script that must succeed; returns what it printed. */
  private static String assertOk(String script) throws Exception {
    CommandResult result = sh("set -e; " + script);
    assertEquals(
        0, result.status(), () -> script + "\n" + result.outputText() + result.errorText());
    return result.outputText().strip();
  }

  @BeforeEach
  void mount() throws Exception {
    assertOk(
        "umount /mnt/over /mnt/shared /mnt/zip 2>/dev/null || true;"
            + " mount -t virtiofs shared /mnt/shared; mount -t virtiofs zip /mnt/zip");
  }

  @Test
  void filesGoBothWays() throws Exception {
    byte[] data = new byte[1 << 20];
    new Random(1).nextBytes(data);
    Files.write(shared.resolve("from-host"), data);
    assertOk(
        "cd /mnt/shared; dd if=from-host of=from-guest bs=1M 2>/dev/null; cmp from-host from-guest;"
            + " sync; echo 3 >/proc/sys/vm/drop_caches; cmp from-host from-guest");
    assertArrayEquals(data, Files.readAllBytes(shared.resolve("from-guest")));
    assertOk("cd /mnt/shared; echo a >f; echo b >>f; [ \"$(cat f)\" = \"$(printf 'a\\nb')\" ]");
    assertEquals("a\nb\n", Files.readString(shared.resolve("f")));
  }

  @Test
  void treesAreMadeListedAndRemoved() throws Exception {
    assertOk(
        "cd /mnt/shared; mkdir -p d/e; i=0; while [ $i -lt 300 ]; do echo $i >d/e/f$i; i=$((i+1));"
            + " done");
    assertEquals("300", assertOk("find /mnt/shared/d -type f | wc -l"));
    assertEquals("300", assertOk("ls /mnt/shared/d/e | wc -l"));
    assertOk("cd /mnt/shared/d/e && [ \"$(/bin/pwd)\" = /mnt/shared/d/e ]");
    assertOk("cd /mnt/shared; mv d moved; cat moved/e/f7 >/dev/null; rm -r moved; [ ! -e moved ]");
    assertFalse(Files.exists(shared.resolve("moved")));
  }

  @Test
  void linksModesAndTimes() throws Exception {
    assertOk(
        "cd /mnt/shared; rm -rf l; mkdir l; cd l; echo x >a; ln a b; ln -s ../l/a s; cat s;"
            + " chmod 640 a; [ $(stat -c %a b) = 640 ]; [ $(stat -c %h b) = 2 ];"
            + " [ $(stat -c %i a) = $(stat -c %i b) ]; touch -d @1000000 a;"
            + " [ $(stat -c %Y a) = 1000000 ]; chown 0:0 a");
    assertTrue(Files.isSymbolicLink(shared.resolve("l/s")));
    assertEquals(1_000_000_000L, Files.getLastModifiedTime(shared.resolve("l/a")).toMillis());
  }

  @Test
  void anUnlinkedFileIsStillRead() throws Exception {
    assertOk(
        "cd /mnt/shared; echo before >u; exec 3<>u; rm u; [ ! -e u ]; read line <&3;"
            + " [ $line = before ]; echo after >&3; [ $(stat -L -c %s /proc/self/fd/3) = 13 ]");
    assertFalse(Files.exists(shared.resolve("u")));
  }

  @Test
  void theHostSeesChangesAndIsSeen() throws Exception {
    Files.writeString(shared.resolve("h"), "one");
    assertEquals("one", assertOk("cat /mnt/shared/h"));
    Files.writeString(shared.resolve("h"), "three");
    assertOk("until [ \"$(cat /mnt/shared/h)\" = three ]; do sleep 0.1; done");
  }

  /** The guest's root can mount it as it likes: it is read-only in the device. */
  @Test
  void theZipFileIsReadOnly() throws Exception {
    assertOk("mount -o remount,rw /mnt/zip; grep -q localhost /mnt/zip/etc/hosts");
    for (String change :
        List.of(
            "echo x >/mnt/zip/new",
            "echo x >>/mnt/zip/etc/hosts",
            "chmod 600 /mnt/zip/etc/hosts",
            "touch /mnt/zip/etc/hosts",
            "rm /mnt/zip/etc/hosts",
            "mv /mnt/zip/etc /mnt/zip/usr")) {
      CommandResult result = sh(change);
      assertTrue(result.status() != 0, change);
      String error = result.errorText();
      assertTrue(error.contains("Read-only file system"), change + ": " + error);
    }
  }

  /** A copy-up asks the lower layer for its flags and its extended attributes. */
  @Test
  void itIsTheLowerLayerOfAnOverlay() throws Exception {
    assertOk(
        "mkdir -p /tmp/rw; mount -t tmpfs rw /tmp/rw; mkdir /tmp/rw/upper /tmp/rw/work;"
            + " mount -t overlay -o lowerdir=/mnt/zip,upperdir=/tmp/rw/upper,workdir=/tmp/rw/work"
            + " over /mnt/over; echo more >>/mnt/over/etc/hosts; mkdir /mnt/over/zz;"
            + " chmod 600 /mnt/over/etc/hosts; grep -q localhost /mnt/over/etc/hosts;"
            + " grep -q more /mnt/over/etc/hosts; umount /mnt/over; umount /tmp/rw");
    assertEquals("127.0.0.1 localhost\n", Files.readString(zip.getPath("/etc/hosts")));
  }

  @Test
  void whatTheGuestForgetsIsGone() throws Exception {
    assertOk("cd /mnt/shared; mkdir -p n; touch n/1 n/2 n/3; ls -l n >/dev/null");
    assertTrue(tree.knownNodes() > 3);
    assertOk("umount /mnt/shared");
    assertEquals(1, tree.knownNodes());
    assertOk("mount -t virtiofs shared /mnt/shared; touch /mnt/shared/n/4");
  }
}
