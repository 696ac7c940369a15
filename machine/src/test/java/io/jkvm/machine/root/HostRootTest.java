// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.agent.GuestMounts.Mount;
import io.jkvm.machine.initramfs.Archive;
import io.jkvm.machine.kernel.KernelFiles;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.ShareProtocol;
import io.jkvm.machine.spec.ShareSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A root that is the host's, with shares: devices, mounts, and the files of its own in /etc. */
class HostRootTest {
  private static final String VIRTIO_FS = "CONFIG_VIRTIO_FS=y\n";
  private static final String NINE_P = "CONFIG_9P_FS=y\nCONFIG_NET_9P_VIRTIO=y\n";
  private static final String GIVEN = ".jkvm/carried/given/etc/";

  @TempDir Path dir;

  private Path host;

  private record Made(MachineSpec machine, GuestRoot root, Archive archive) {
    String etc(String name) {
      return archive.text(GIVEN + name);
    }
  }

  @BeforeEach
  void host() throws IOException {
    host = Files.createDirectories(dir.resolve("host"));
    KernelFiles.write(host.resolve("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    KernelFiles.write(host.resolve("etc/hosts"), "192.0.2.7 build\n");
    KernelFiles.write(
        host.resolve("etc/resolv.conf"), "search example.org\nnameserver 192.0.2.53\n");
  }

  private KernelSource kernel(String config) throws IOException {
    byte[] vmlinux = KernelFiles.vmlinux(KernelFiles.text("6.1.7", null));
    Path image =
        KernelFiles.write(
            dir.resolve("linux/arch/x86/boot/bzImage"), KernelFiles.bzImage("6.1.7", vmlinux));
    KernelFiles.write(dir.resolve("linux/.config"), config);
    return KernelSource.of(image, dir.resolve("nohost"));
  }

  private Made made(String config, boolean network, RootSpec.Share... shares) throws IOException {
    return made(config, network, List.of(), shares);
  }

  private Made made(
      String config, boolean network, List<RootSpec.Include> includes, RootSpec.Share... shares)
      throws IOException {
    KernelSource kernel = kernel(config);
    RootSpec spec =
        new RootSpec(
            RootSpec.Kind.HOST,
            Optional.of(host),
            Optional.empty(),
            "/work",
            false,
            "/usr/bin:/bin",
            "",
            includes,
            List.of(),
            List.of(shares));
    MachineSpecBuilder builder = MachineSpec.boot(kernel.image());
    if (network) {
      builder.card(NetworkSpec.user());
    }
    MachineSpec asked = builder.build();
    try (GuestRoot root = GuestRoot.make(spec, kernel, asked)) {
      MachineSpec machine = root.boot(asked);
      byte[] initrd = Files.readAllBytes(machine.initrds().get(0));
      return new Made(machine, root, Archive.of(initrd));
    }
  }

  @Test
  void theRootIsReadOnlyAndConstantAndSharesAreNot() throws IOException {
    Made made =
        made(
            VIRTIO_FS,
            false,
            new RootSpec.Share(Path.of("/data"), "/mnt/data/deep", false),
            new RootSpec.Share(Path.of("/books"), "/mnt/data", true));
    assertEquals(
        List.of(
            ShareSpec.of("jkvm-root", host).asConstant(),
            ShareSpec.of("jkvm-share-0", Path.of("/data")),
            ShareSpec.of("jkvm-share-1", Path.of("/books")).asReadOnly()),
        made.machine.shares());
    assertEquals(
        Optional.of(new Mount("jkvm-root", "virtiofs", "ro", "")), made.root.mounts().root());
    assertEquals(
        List.of(
            new Mount("jkvm-share-1", "virtiofs", "ro", "/mnt/data"),
            new Mount("jkvm-share-0", "virtiofs", "", "/mnt/data/deep")),
        made.root.mounts().others(),
        "what lies above comes first");
  }

  @Test
  void aKernelWithTheOtherProtocolAloneGetsThat() throws IOException {
    Made made = made(NINE_P, false, new RootSpec.Share(Path.of("/data"), "/data", false));
    assertTrue(
        made.machine.shares().stream().allMatch(it -> it.protocol() == ShareProtocol.NINE_P));
    Mount root = made.root.mounts().root().orElseThrow();
    assertEquals("9p", root.types());
    assertTrue(root.options().contains("version=9p2000.L"), root::options);
    assertTrue(root.options().contains("cache=loose"), root::options);
    Mount data = made.root.mounts().others().get(0);
    assertFalse(data.options().contains("loose"), "the host changes it, too");
  }

  @Test
  void placesThatNoShareCanHave() throws IOException {
    for (String place :
        List.of("/", "/proc", "/sys/x", "/dev/x", "/dev/shm", "mnt", "/a/..", "/.jkvm/x")) {
      MachineException refused =
          assertThrows(
              MachineException.class,
              () -> made(VIRTIO_FS, false, new RootSpec.Share(Path.of("/data"), place, false)));
      assertEquals(Problem.SHARE, refused.problem(), place);
    }
    RootSpec.Share inMemory = new RootSpec.Share(Path.of("/data"), "/dev/shm/x", false);
    assertEquals(
        "/dev/shm/x", made(VIRTIO_FS, false, inMemory).root.mounts().others().get(0).directory());
    MachineException twice =
        assertThrows(
            MachineException.class,
            () ->
                made(
                    VIRTIO_FS,
                    false,
                    new RootSpec.Share(Path.of("/a"), "/mnt", false),
                    new RootSpec.Share(Path.of("/b"), "/mnt/", false)));
    assertEquals(Problem.SHARE_TWICE, twice.problem());
  }

  @Test
  void whatASharesMountWouldHideIsRefused() throws IOException {
    Path data = Files.createDirectories(dir.resolve("data/deep"));
    Path file = KernelFiles.write(dir.resolve("file"), "x");
    Path own = KernelFiles.write(data.resolve("own"), "x");
    RootSpec.Share share = new RootSpec.Share(dir.resolve("data"), "/mnt/data", true);
    for (String place : List.of("/mnt/data/file", "/mnt/data", "mnt/../mnt/data/deep/other")) {
      List<RootSpec.Include> includes = List.of(new RootSpec.Include(file, place));
      MachineException e =
          assertThrows(MachineException.class, () -> made(VIRTIO_FS, false, includes, share));
      assertEquals(Problem.INCLUDE_HIDDEN, e.problem(), place);
      assertTrue(e.getMessage().contains("/mnt/data hides it"), e.getMessage());
    }
    // The share has it there, or it lies beside.
    made(VIRTIO_FS, false, List.of(new RootSpec.Include(own, "/mnt/data/deep/own")), share);
    made(VIRTIO_FS, false, List.of(new RootSpec.Include(file, "/mnt/datas")), share);
    RootSpec.Share here = new RootSpec.Share(dir.resolve("data"), dir.resolve("data") + "", false);
    made(VIRTIO_FS, false, List.of(new RootSpec.Include(own, "")), here);
  }

  @Test
  void namesAreResolvedAsTheGuestsNetworkAllows() throws IOException {
    assertFalse(made(VIRTIO_FS, false).etc("resolv.conf").contains("nameserver"));
    assertEquals(
        "search example.org\nnameserver 192.0.2.53\n", made(VIRTIO_FS, true).etc("resolv.conf"));
    KernelFiles.write(host.resolve("etc/resolv.conf"), "nameserver 127.0.0.53\n");
    assertEquals("nameserver 10.0.2.2\n", made(VIRTIO_FS, true).etc("resolv.conf"));
    KernelFiles.write(host.resolve("run/systemd/resolve/resolv.conf"), "nameserver 198.51.100.1\n");
    assertEquals("nameserver 198.51.100.1\n", made(VIRTIO_FS, true).etc("resolv.conf"));
  }

  @Test
  void aLinkToNameServersIsFollowedOnTheHost() throws IOException {
    Path link = host.resolve("etc/resolv.conf");
    Files.delete(link);
    Files.createSymbolicLink(link, Path.of("../run/servers"));
    assertEquals("nameserver 10.0.2.2\n", made(VIRTIO_FS, true).etc("resolv.conf"), "it dangles");
    KernelFiles.write(host.resolve("run/servers"), "nameserver 198.51.100.2\n");
    assertEquals("nameserver 198.51.100.2\n", made(VIRTIO_FS, true).etc("resolv.conf"));
  }

  @Test
  void theMachineKnowsItsOwnNameAndTheHostsOthers() throws IOException {
    String hosts = made(VIRTIO_FS, false).etc("hosts");
    assertTrue(hosts.startsWith("127.0.0.1 localhost jkvm\n"), hosts);
    assertTrue(hosts.contains("192.0.2.7 build\n"), hosts);
  }

  @Test
  void aHostWithoutTheseFilesIsOneToo() throws IOException {
    for (String name : List.of("etc/passwd", "etc/hosts", "etc/resolv.conf")) {
      Files.delete(host.resolve(name));
    }
    Made made = made(VIRTIO_FS, true);
    assertEquals("nameserver 10.0.2.2\n", made.etc("resolv.conf"));
    assertTrue(made.etc("hosts").contains("localhost"));
  }

  @Test
  void aPlaceOfAShareIsNoFileOfTheHosts() throws IOException {
    Files.createDirectories(host.resolve("tmp"));
    KernelFiles.write(host.resolve("tmp/f"), "");
    refused("/etc/passwd is not a directory", new RootSpec.Share(dir, "/etc/passwd", false));
    refused("/etc/passwd is not a directory", new RootSpec.Share(dir, "/etc/passwd/x", false));
    // The guest has its own; and what another share has is seen when it is mounted.
    made(VIRTIO_FS, false, new RootSpec.Share(dir, "/tmp/f", false));
    Files.createDirectories(dir.resolve("there"));
    RootSpec.Share outer = new RootSpec.Share(dir, "/mnt", true);
    made(VIRTIO_FS, false, outer, new RootSpec.Share(dir, "/mnt/there", false));
    refused("has no absent", outer, new RootSpec.Share(dir, "/mnt/absent", false));
    made(
        VIRTIO_FS,
        false,
        new RootSpec.Share(dir, "/mnt", false),
        new RootSpec.Share(dir, "/mnt/absent", false));
    made(
        VIRTIO_FS,
        false,
        new RootSpec.Share(dir, "/etc", false),
        new RootSpec.Share(dir, "/etc/passwd", false));
  }

  @Test
  void aPlaceOfAShareIsNoLongerThanAPathOfLinux() throws IOException {
    String name = "/" + "n".repeat(255);
    made(VIRTIO_FS, false, new RootSpec.Share(dir, name, false));
    refused("a name of 256 bytes", new RootSpec.Share(dir, name + "n", false));
    made(VIRTIO_FS, false, new RootSpec.Share(dir, name.repeat(15) + "/" + "n".repeat(254), false));
    refused("of 4096 bytes", new RootSpec.Share(dir, name.repeat(16), false));
  }

  private void refused(String words, RootSpec.Share... shares) {
    MachineException e =
        assertThrows(MachineException.class, () -> made(VIRTIO_FS, false, shares).root());
    assertEquals(Problem.SHARE, e.problem());
    assertTrue(e.getMessage().contains(words), e.getMessage());
  }
}
