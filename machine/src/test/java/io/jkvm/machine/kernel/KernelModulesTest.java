// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import static io.jkvm.machine.kernel.KernelFiles.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.kernel.KernelModules.LoadOrder;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelModulesTest {
  private static final Optional<String> RELEASE = Optional.of("6.1.7");
  private static final String MAGIC = "vermagic=6.1.7 SMP ";

  @TempDir Path folder;

  private KernelModules open() {
    return KernelModules.open(folder, RELEASE);
  }

  private static List<String> names(LoadOrder order) {
    return order.modules().stream().map(KernelModule::name).toList();
  }

  @Test
  void depmodsListsGiveTheOrder() throws IOException {
    write(
        folder.resolve("modules.dep"),
        """
        kernel/net/vsock.ko.xz:
        kernel/drivers/virtio-ring.ko.xz: kernel/drivers/virtio.ko.xz
        kernel/drivers/virtio.ko.xz:
        kernel/net/transport.ko.xz: kernel/net/vsock.ko.xz kernel/drivers/virtio-ring.ko.xz \
        kernel/drivers/virtio.ko.xz
        """);
    write(folder.resolve("modules.builtin"), "kernel/fs/ext4/ext4.ko\nkernel/lib/crc-16.ko\n");
    KernelModules modules = open();
    LoadOrder order = modules.resolve(List.of("transport", "virtio-ring", "ext4", "crc16", "9p"));
    assertEquals(List.of("vsock", "virtio", "virtio_ring", "transport"), names(order));
    assertEquals(List.of("crc16", "9p"), order.absent());
    assertEquals(Set.of(), order.optional());
    KernelModule ring = order.modules().get(2);
    assertEquals(folder.resolve("kernel/drivers/virtio-ring.ko.xz"), ring.path());
    assertEquals(List.of("virtio"), ring.depends());
    assertEquals(ModuleCompression.XZ, ring.compression());
    assertEquals(RELEASE, ring.kernelRelease());
    assertTrue(modules.isBuiltIn("ext4") && modules.has("ext4") && modules.has("crc_16"));
    assertTrue(modules.has("virtio_ring") && modules.has("virtio-ring"));
    assertFalse(modules.isBuiltIn("vsock") || modules.has("9p"));
  }

  @Test
  void softDependenciesAreOptionalAndComeFirst() throws IOException {
    write(
        folder.resolve("modules.dep"),
        "k/ext4.ko: k/jbd2.ko\nk/jbd2.ko:\nk/crc-fast.ko: k/base.ko\nk/crc-slow.ko:\nk/base.ko:\n"
            + "k/late.ko:\n");
    write(
        folder.resolve("modules.softdep"),
        "# comment\nsoftdep ext4 pre: crc32c jbd2 nowhere post: late\n");
    write(
        folder.resolve("modules.alias"),
        "alias crc32c crc-fast\nalias crc32c crc_slow\nalias pci:v*d* other\n");
    LoadOrder order = open().resolve(List.of("ext4"));
    assertEquals(List.of("jbd2", "base", "crc_fast", "crc_slow", "ext4"), names(order));
    assertEquals(Set.of("base", "crc_fast", "crc_slow"), order.optional());
    assertEquals(List.of(), order.absent());
  }

  @Test
  void damagedListsEnd() throws IOException {
    StringBuilder list = new StringBuilder("a.ko: b.ko\nb.ko: a.ko\nself.ko: self.ko\n");
    list.append("x.ko: missing.ko\n../../../etc/out.ko:\n/etc/absolute.ko:\nno colon\n:\n");
    for (int i = 0; i < 50_000; i++) {
      list.append("n").append(i).append(".ko: n").append(i + 1).append(".ko\n");
    }
    write(folder.resolve("modules.dep"), list.toString());
    KernelModules modules = open();
    assertEquals(List.of("b", "a", "self"), names(modules.resolve(List.of("a", "self"))));
    assertEquals(List.of("missing (needed by x)"), modules.resolve(List.of("x")).absent());
    assertFalse(modules.has("out") || modules.has("absolute"));
    LoadOrder chain = modules.resolve(List.of("n0"));
    assertEquals(50_000, chain.modules().size());
    assertEquals("n49999", chain.modules().get(0).name());
    assertEquals(List.of("n50000 (needed by n49999)"), chain.absent());
  }

  /** As Debian's packages are: depmod runs when they are installed. */
  @Test
  void aPackageThatWasNeverInstalledIsAskedModuleByModule() throws IOException {
    Path directory = folder.resolve("lib/modules/6.1.7");
    write(directory.resolve("modules.order"), "kernel/a.ko\nkernel/b.ko\n");
    write(directory.resolve("modules.builtin"), "kernel/fs/ext4.ko\n");
    byte[] a = KernelFiles.module("depends=b-b,ext4", "softdep=pre: c", MAGIC);
    byte[] plain = KernelFiles.module("depends=", MAGIC);
    write(directory.resolve("kernel/x/a.ko.zst"), KernelFiles.pack(ModuleCompression.ZSTD, a));
    write(directory.resolve("kernel/b-b.ko"), plain);
    write(directory.resolve("updates/c.ko"), plain);
    LoadOrder order = open().resolve(List.of("a"));
    assertEquals(List.of("b_b", "c", "a"), names(order));
    assertEquals(Set.of("c"), order.optional());
    assertEquals(List.of(), order.absent());
    assertEquals(a.length, order.modules().get(2).read().length);
  }

  @Test
  void aBuildIsReadInPlace() throws IOException {
    write(folder.resolve(".config"), "CONFIG_MODULES=y\n");
    write(
        folder.resolve("modules.order"),
        "kernel/fs/old.ko\nfs/new.ko\nfs/newest.o\nfs/not-built.ko\n");
    write(folder.resolve("modules.builtin"), "kernel/fs/ext4/ext4.ko\n");
    for (String name : new String[] {"old", "new", "newest", "stray"}) {
      String depends = name.equals("newest") ? "depends=old" : "depends=";
      write(folder.resolve("fs/" + name + ".ko"), KernelFiles.module(depends, MAGIC));
    }
    KernelModules modules = open();
    assertEquals(List.of("old", "newest", "new"), names(modules.resolve(List.of("newest", "new"))));
    assertFalse(modules.has("not_built"));
    assertFalse(modules.has("stray"), "not of this build");
    assertTrue(modules.isBuiltIn("ext4"));
  }

  @Test
  void aFileIsAModuleToo() throws IOException {
    write(folder.resolve("modules.dep"), "k/base.ko:\n");
    Path test = write(folder.resolve("out/my-test.ko"), KernelFiles.module("depends=base", MAGIC));
    LoadOrder order = open().resolve(List.of(test.toString()));
    assertEquals(List.of("base", "my_test"), names(order));
    assertEquals(test, order.modules().get(1).path());
  }

  /** Row 48 of the traps: modules of another version, or only in /usr/lib/modules. */
  @Test
  void modulesOfAnotherVersionAreNotTaken() throws IOException {
    write(folder.resolve("usr/lib/modules/6.12.0/modules.dep"), "k/a.ko:\n");
    MachineException e = assertThrows(MachineException.class, this::open);
    assertEquals(Problem.MODULES_ABSENT, e.problem());
    assertTrue(e.getMessage().contains("no modules of kernel 6.1.7"), e.getMessage());
    assertTrue(e.getMessage().contains("it has those of 6.12.0"), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
    Path only = folder.resolve("usr/lib/modules/6.12.0");
    assertEquals(only, KernelModules.open(folder, Optional.empty()).directory());
    assertEquals(only, KernelModules.open(folder, Optional.of("6.12.0")).directory());
    write(folder.resolve("lib/modules/6.13.0/modules.dep"), "k/a.ko:\n");
    assertThrows(MachineException.class, () -> KernelModules.open(folder, Optional.empty()));
  }

  @Test
  void aDamagedModuleThatMustBeAskedIsNamed() throws IOException {
    write(folder.resolve("modules.order"), "");
    Path bad = write(folder.resolve("kernel/bad.ko"), "no module");
    MachineException e = assertThrows(MachineException.class, () -> open().resolve(List.of("bad")));
    assertEquals(Problem.MODULE_DAMAGED, e.problem());
    assertEquals(bad.toString(), e.subject());
  }
}
