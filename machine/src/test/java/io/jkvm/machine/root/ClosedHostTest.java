// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.jkvm.machine.agent.GuestMounts.Mount;
import io.jkvm.machine.initramfs.Archive;
import io.jkvm.machine.initramfs.InitramfsBuilder;
import io.jkvm.machine.kernel.KernelFiles;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.ShareProtocol;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a guest has in place of files of the host's that an ordinary user may not read. */
class ClosedHostTest {
  @TempDir Path host;

  @BeforeEach
  void host() throws IOException {
    KernelFiles.write(host.resolve("etc/passwd"), "root:x:0:0::/root:/bin/sh\nann:x:7:7::/:/x\n");
    KernelFiles.write(host.resolve("etc/group"), "root:x:0:\ndisk:x:6:ann,root\nbroken\n");
    for (String secret : List.of("shadow", "gshadow", "sudoers")) {
      KernelFiles.write(host.resolve("etc/" + secret), "secret\n");
    }
    Files.createDirectory(host.resolve("root"));
  }

  private Archive etc(Predicate<Path> readable) throws IOException {
    return etc(readable, false);
  }

  private Archive etc(Predicate<Path> readable, boolean ofRoot) throws IOException {
    InitramfsBuilder builder = new InitramfsBuilder();
    MachineSpec machine = MachineSpec.boot(host.resolve("kernel")).build();
    new HostEtc(host, machine, readable, ofRoot).addTo(builder, "given");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    builder.write(bytes);
    return Archive.of(bytes.toByteArray());
  }

  @Test
  void whatIsSecretIsMadeWithoutSecrets() throws IOException {
    Archive given = etc(file -> false);
    assertEquals("root:*:::::::\nann:*:::::::\n", given.text("given/etc/shadow"));
    assertEquals("root:*::\ndisk:*::ann,root\n", given.text("given/etc/gshadow"));
    assertEquals("root ALL=(ALL:ALL) ALL\n", given.text("given/etc/sudoers"));
  }

  @Test
  void whatCanBeReadIsTheHosts() throws IOException {
    Archive given = etc(file -> true);
    for (String secret : List.of("shadow", "gshadow", "sudoers")) {
      assertFalse(given.has("given/etc/" + secret), secret);
    }
  }

  @Test
  void gitTrustsFilesOfTheUserForWhomTheGuestsRootStands() throws IOException {
    String own = "[safe]\n\tdirectory = *\n";
    assertEquals("\n" + own, etc(file -> true).text("given/etc/gitconfig"));
    KernelFiles.write(host.resolve("etc/gitconfig"), "[core]\n\teditor = vi");
    assertEquals("[core]\n\teditor = vi\n" + own, etc(file -> true).text("given/etc/gitconfig"));
    assertFalse(etc(file -> true, true).has("given/etc/gitconfig"), "the numbers are the same");
  }

  private List<Mount> mounts(Predicate<Path> enterable, RootSpec.Share... shares) {
    RootSpec spec =
        new RootSpec(
            RootSpec.Kind.HOST,
            Optional.of(host),
            Optional.empty(),
            "/work",
            false,
            "/usr/bin:/bin",
            "",
            List.of(),
            List.of(),
            List.of(shares));
    return new ShareMounts(spec, ShareProtocol.VIRTIO_FS, enterable).others();
  }

  /** Or nothing could be made there: an overlay asks the lower layer first. */
  @Test
  void rootHasHomeInMemory() {
    Mount memory = new Mount("tmpfs", "tmpfs", "mode=0700", "/root");
    assertEquals(List.of(memory), mounts(home -> false));
    assertEquals(List.of(), mounts(home -> true));
    RootSpec.Share below = new RootSpec.Share(host, "/root/src", false);
    assertEquals(memory, mounts(home -> false, below).get(0));
    RootSpec.Share same = new RootSpec.Share(host, "/root", false);
    assertEquals(List.of("jkvm-share-0"), names(mounts(home -> false, same)));
  }

  private static List<String> names(List<Mount> mounts) {
    return mounts.stream().map(Mount::device).toList();
  }
}
