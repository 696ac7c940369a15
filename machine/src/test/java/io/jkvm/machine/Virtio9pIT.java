// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.p9.Virtio9p;
import io.jkvm.machine.agent.CommandResult;
import io.jkvm.machine.agent.GuestAgent;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.root.RootSpec;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
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

/** Linux's 9P client with the device: a writable directory and a zip file in one guest. */
@RequiresKvm
@Timeout(1200)
class Virtio9pIT {
  private static final Map<String, String> PATH = Map.of("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
  private static final String OPTIONS = "trans=virtio,version=9p2000.L,msize=512000";

  /** Makes the system calls that no applet makes. */
  private static final boolean PERL = Files.isExecutable(Path.of("/usr/bin/perl"));

  @TempDir private static Path temporary;

  private static Path shared;
  private static FileSystem zip;
  private static JavaTree tree;
  private static Virtio9p device;
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
    device = new Virtio9p("shared", tree, SharePolicy.writable());
    MachineSpec spec =
        MachineSpec.boot(kernel.image())
            .memoryMiB(128)
            .virtioDevice(() -> device)
            .virtioDevice(
                () ->
                    new Virtio9p(
                        "zip", new JavaTree("zip", zip.getPath("/")), SharePolicy.readOnlyCached()))
            .build();
    root =
        GuestRoot.make(
            new RootSpec(
                RootSpec.Kind.INITRAMFS,
                Optional.empty(),
                Optional.of(PERL ? "perl" : "sh"),
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
    assertOk("mkdir -p /mnt/shared /mnt/zip");
  }

  @AfterAll
  static void end() throws Exception {
    if (machine != null) {
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

  /** Runs a program that must succeed, in the shared directory. */
  private static String assertPerl(String... lines) throws Exception {
    assumeTrue(PERL, "no perl");
    String program = String.join("\n", lines);
    CommandResult result =
        agent.run(
            GuestCommand.of("perl", "-e", "chdir('/mnt/shared') or die;" + program)
                .environment(PATH));
    assertEquals(
        0, result.status(), () -> program + "\n" + result.outputText() + result.errorText());
    return result.outputText().strip();
  }

  private static void mount(String more) throws Exception {
    assertOk(
        "umount /mnt/shared /mnt/zip 2>/dev/null || true; mount -t 9p -o "
            + OPTIONS
            + more
            + " shared /mnt/shared; mount -t 9p -o "
            + OPTIONS
            + " zip /mnt/zip");
  }

  @BeforeEach
  void mount() throws Exception {
    mount("");
  }

  private static void copyBothWays() throws Exception {
    byte[] data = new byte[1 << 20];
    new Random(1).nextBytes(data);
    Files.write(shared.resolve("from-host"), data);
    assertOk(
        "cd /mnt/shared; dd if=from-host of=from-guest bs=1M 2>/dev/null; cmp from-host from-guest;"
            + " sync; echo 3 >/proc/sys/vm/drop_caches; cmp from-host from-guest");
    assertArrayEquals(data, Files.readAllBytes(shared.resolve("from-guest")));
    assertOk(
        "cd /mnt/shared; rm -f f; echo a >f; echo b >>f; [ \"$(cat f)\" = \"$(printf 'a\\nb')\" ];"
            + " sync");
    assertEquals("a\nb\n", Files.readString(shared.resolve("f")));
    assertOk("rm /mnt/shared/from-guest /mnt/shared/from-host");
  }

  @Test
  void filesGoBothWays() throws Exception {
    assertEquals("1", assertOk("grep -c 'shared /mnt/shared 9p .*msize=512000' /proc/mounts"));
    copyBothWays();
  }

  @Test
  void filesGoBothWaysWithEachCache() throws Exception {
    for (String cache : List.of("loose", "mmap")) {
      mount(",cache=" + cache);
      copyBothWays();
    }
  }

  /** Of 3,000 names, which need several messages, only the names are asked for: a guest is slow. */
  @Test
  void largeDirectoriesAreListed() throws Exception {
    Path directory = Files.createDirectory(shared.resolve("large"));
    for (int i = 0; i < 3000; i++) {
      Files.createFile(directory.resolve("a-file-with-a-rather-long-name-".repeat(5) + i));
    }
    assertEquals("3000", assertOk("set -- /mnt/shared/large/*; echo $#"));
    assertOk("[ -e /mnt/shared/large/*-2999 ]; rm /mnt/shared/large/*-2999");
    assertEquals("2999", assertOk("set -- /mnt/shared/large/*; echo $#"));
  }

  @Test
  void treesAreMadeListedAndRemoved() throws Exception {
    assertOk(
        "cd /mnt/shared; mkdir -p d/e; i=0; while [ $i -lt 50 ]; do echo $i >d/e/f$i; i=$((i+1));"
            + " done");
    assertEquals("50", assertOk("find /mnt/shared/d -type f | wc -l"));
    assertOk("cd /mnt/shared/d/e && [ \"$(/bin/pwd)\" = /mnt/shared/d/e ]");
    assertOk("cd /mnt/shared; mv d moved; cat moved/e/f7; rm -r moved; [ ! -e moved ]");
    assertFalse(Files.exists(shared.resolve("moved")));
  }

  /** The file is held open where inode numbers are compared: a tree may forget it between. */
  @Test
  void linksModesAndTimes() throws Exception {
    assertOk(
        "cd /mnt/shared; rm -rf l; mkdir l; cd l; echo x >a; ln a b; ln -s ../l/a s; cat s;"
            + " chmod 640 a; [ $(stat -c %a b) = 640 ]; [ $(stat -c %h b) = 2 ];"
            + " exec 3<a; [ $(stat -c %i a) = $(stat -c %i b) ]; exec 3<&-; touch -d @1000000 a;"
            + " [ $(stat -c %Y a) = 1000000 ]; chown 0:0 a");
    assertTrue(Files.isSymbolicLink(shared.resolve("l/s")));
    assertEquals(1_000_000_000L, Files.getLastModifiedTime(shared.resolve("l/a")).toMillis());
  }

  /** What is open below a directory that moves goes with it. */
  @Test
  void renamesWithFilesOpen() throws Exception {
    assertOk(
        "cd /mnt/shared; rm -rf r s; mkdir -p r/x s; echo 1 >r/x/f; exec 3<>r/x/f; cd r/x;"
            + " mv /mnt/shared/r /mnt/shared/s/r; read line <&3; [ $line = 1 ]; echo 2 >&3;"
            + " echo 3 >g; cd -P ..; [ -e x/g ]; mv x/g x/f; [ \"$(cat /mnt/shared/s/r/x/f)\" = 3 ]");
    assertEquals("3\n", Files.readString(shared.resolve("s/r/x/f")));
  }

  @Test
  void filesAreTruncated() throws Exception {
    assertOk(
        "cd /mnt/shared; printf 0123456789 >t; truncate -s 4 t; [ $(stat -c %s t) = 4 ];"
            + " [ $(cat t) = 0123 ]; truncate -s 100000 t; [ $(stat -c %s t) = 100000 ];"
            + " [ $(tail -c +5 t | tr -d '\\0' | wc -c) = 0 ]; printf x >t; [ $(cat t) = x ]");
    assertEquals("x", Files.readString(shared.resolve("t")));
  }

  @Test
  void anUnlinkedFileIsStillRead() throws Exception {
    assertOk(
        "cd /mnt/shared; echo before >u; exec 3<>u; rm u; [ ! -e u ]; read line <&3;"
            + " [ $line = before ]; echo after >&3; [ $(stat -L -c %s /proc/self/fd/3) = 13 ]");
    assertFalse(Files.exists(shared.resolve("u")));
  }

  /** setxattr, getxattr, listxattr, removexattr. */
  @Test
  void extendedAttributes() throws Exception {
    Path file = Files.writeString(shared.resolve("x"), "");
    boolean can = true;
    try {
      Files.setAttribute(file, "user:host", "h".getBytes());
    } catch (IOException e) {
      can = false;
    }
    assumeTrue(can, "no extended attributes in " + shared);
    assertEquals(
        "1 h|user.guest user.host|value|gone",
        assertPerl(
            "my ($b, $x, $host, $guest) = (' ' x 1000, 'x', 'user.host', 'user.guest');",
            "my $n = syscall(191, $x, $host, $b, 1000); print $n, ' ', substr($b, 0, $n);",
            "my $v = 'value'; syscall(188, $x, $guest, $v, 5, 0) == 0 or die $!;",
            "$n = syscall(194, $x, $b, 1000);",
            "my @l = grep { /^user/ } sort split(/\\0/, substr($b, 0, $n));",
            "print '|', join(' ', @l);",
            "$n = syscall(191, $x, $guest, $b, 1000); print '|', substr($b, 0, $n);",
            "syscall(197, $x, $guest) == 0 or die $!;",
            "$n = syscall(191, $x, $guest, $b, 1000);",
            "print '|', $! == 61 ? 'gone' : \"there $n\";"));
    assertArrayEquals("h".getBytes(), (byte[]) Files.getAttribute(file, "user:host"));
  }

  /** A mapped page is read and written; read(2) puts bytes into it. */
  @Test
  void filesAreMapped() throws Exception {
    mount(",cache=mmap");
    Files.writeString(shared.resolve("m"), "0123456789");
    Files.writeString(shared.resolve("n"), "abc");
    assertEquals(
        "01abc56789",
        assertPerl(
            "open(F, '+<', 'm') or die; open(G, '<', 'n') or die;",
            "my $p = syscall(9, 0, 4096, 3, 1, fileno(F), 0); $p > 0 or die $!;",
            "syscall(0, fileno(G), $p + 2, 3) == 3 or die $!;",
            "syscall(26, $p, 4096, 4) == 0 or die $!;",
            "print unpack('P10', pack('Q', $p));"));
    assertEquals("01abc56789", Files.readString(shared.resolve("m")));
  }

  @Test
  void filesAreLocked() throws Exception {
    assertEquals(
        "locked,busy,free,range,held,unlocked",
        assertPerl(
            "$| = 1; open(F, '+>', 'k') or die; open(G, '+<', 'k') or die;",
            "flock(F, 6) or die $!; print 'locked';",
            "print flock(G, 6) ? ',got' : ',busy'; flock(F, 8) or die $!;",
            "print flock(G, 6) ? ',free' : ',kept'; flock(G, 8) or die $!;",
            "my $l = pack('s s x4 q q i x4', 1, 0, 10, 10, 0);",
            "fcntl(F, 6, $l) or die $!; print ',range';",
            "my $c = fork(); if ($c == 0) { open(H, '+<', 'k') or die;",
            "  my $m = pack('s s x4 q q i x4', 1, 0, 15, 1, 0);",
            "  print fcntl(H, 6, $m) ? ',got' : ',held';",
            "  exit 0; } waitpid($c, 0);",
            "my $u = pack('s s x4 q q i x4', 2, 0, 0, 0, 0);",
            "fcntl(F, 6, $u) or die $!; print ',unlocked';"));
  }

  @Test
  void theHostSeesChangesAndIsSeen() throws Exception {
    Files.writeString(shared.resolve("h"), "one");
    assertEquals("one", assertOk("cat /mnt/shared/h"));
    Files.writeString(shared.resolve("h"), "three");
    assertEquals("three", assertOk("cat /mnt/shared/h"));
    Files.delete(shared.resolve("h"));
    assertOk("[ ! -e /mnt/shared/h ]");
  }

  /** The guest's root can mount it as it likes: it is read-only in the device. */
  @Test
  void theZipFileIsReadOnly() throws Exception {
    assertOk("grep -q localhost /mnt/zip/etc/hosts; [ $(ls /mnt/zip) = etc ]");
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

  @Test
  void whatTheGuestForgetsIsGone() throws Exception {
    assertOk("cd /mnt/shared; mkdir -p names; touch names/1 names/2; ls -l names >/dev/null");
    assertOk("umount /mnt/shared");
    assertEquals(1, tree.knownNodes());
    assertEquals(0, device.openFiles());
    mount();
    assertOk("touch /mnt/shared/names/4");
  }

  @Test
  void theKernelHasNoComplaints() throws Exception {
    assertEquals("", assertOk("dmesg | grep -i -e 9p | grep -v -i install || true"));
  }
}
