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
    return open(folder);
  }

  private static KernelModules open(Path... directories) {
    return KernelModules.of(
        new KernelSource(Path.of("bzImage"), RELEASE, List.of(), List.of(), List.of(directories)));
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
    LoadOrder order =
        modules.resolve(List.of("transport", "virtio-ring", "ext4", "crc16", "9p"), List.of());
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
    LoadOrder order = open().resolve(List.of("ext4"), List.of());
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
    assertEquals(
        List.of("b", "a", "self"), names(modules.resolve(List.of("a", "self"), List.of())));
    assertEquals(
        List.of("missing (needed by x)"), modules.resolve(List.of("x"), List.of()).absent());
    assertFalse(modules.has("out") || modules.has("absolute"));
    LoadOrder chain = modules.resolve(List.of("n0"), List.of());
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
    LoadOrder order = open(directory).resolve(List.of("a"), List.of());
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
    assertEquals(
        List.of("old", "newest", "new"),
        names(modules.resolve(List.of("newest", "new"), List.of())));
    assertFalse(modules.has("not_built"));
    assertFalse(modules.has("stray"), "not of this build");
    assertTrue(modules.isBuiltIn("ext4"));
  }

  @Test
  void aFileIsAModuleToo() throws IOException {
    write(folder.resolve("modules.dep"), "k/base.ko:\n");
    Path test = write(folder.resolve("out/my-test.ko"), KernelFiles.module("depends=base", MAGIC));
    LoadOrder order = open().resolve(List.of(test.toString()), List.of());
    assertEquals(List.of("base", "my_test"), names(order));
    assertEquals(test, order.modules().get(1).path());
  }

  /** No directory has modules, and one that names nothing is all there is to be had. */
  @Test
  void aFileOfItsOwnNeedsNoDirectory() throws IOException {
    Path alone = write(folder.resolve("alone.ko"), KernelFiles.module("depends=", MAGIC));
    Path needy = write(folder.resolve("needy.ko"), KernelFiles.module("depends=base,alone", MAGIC));
    KernelModules none = open();
    assertEquals(Optional.empty(), none.directory());
    LoadOrder order = none.resolve(List.of(alone.toString()), List.of("virtio_pci"));
    assertEquals(List.of("alone"), names(order));
    assertEquals(List.of(), order.absent());
    LoadOrder both = none.resolve(List.of(needy.toString(), alone.toString()), List.of());
    assertEquals(List.of("alone", "needy"), names(both));
    assertEquals(List.of("base (needed by needy)"), both.absent());
  }

  @Test
  void modulesOfAnotherVersionAreNotTaken() throws IOException {
    write(folder.resolve("usr/lib/modules/6.12.0/modules.dep"), "k/a.ko:\n");
    assertFalse(open(folder.resolve("usr/lib/modules/6.1.7")).has("a"));
    assertTrue(open(folder.resolve("usr/lib/modules/6.12.0")).has("a"));
  }

  @Test
  void aDamagedModuleThatMustBeAskedIsNamed() throws IOException {
    write(folder.resolve("modules.order"), "");
    Path bad = write(folder.resolve("kernel/bad.ko"), "no module");
    MachineException e =
        assertThrows(
            MachineException.class, () -> open().resolve(List.of("bad"), List.of("virtio_pci")));
    assertEquals(Problem.MODULE_DAMAGED, e.problem());
    assertEquals(bad.toString(), e.subject());
  }

  /** Of wishes: they are left out, with those that need them, and the rest goes on. */
  @Test
  void whatWasOnlyWishedForIsLeftOutIfItCanNotBeHad() throws IOException {
    write(folder.resolve("modules.order"), "");
    write(folder.resolve("kernel/bad.ko"), "no module");
    write(folder.resolve("kernel/good.ko"), KernelFiles.module("depends=", MAGIC));
    write(folder.resolve("kernel/soft.ko"), KernelFiles.module("softdep=pre: bad", MAGIC));
    write(folder.resolve("kernel/needs-bad.ko"), KernelFiles.module("depends=bad", MAGIC));
    write(folder.resolve("kernel/needs-gone.ko"), KernelFiles.module("depends=gone", MAGIC));
    LoadOrder order =
        open()
            .resolve(
                List.of("soft"), List.of("bad", "needs_bad", "needs_gone", "good", "virtio_never"));
    assertEquals(List.of("good", "soft"), names(order));
    assertEquals(Set.of("good"), order.optional());
    assertEquals(List.of(), order.absent());
    assertEquals(2, order.leftOut().size(), order.leftOut()::toString);
    assertTrue(
        order.leftOut().contains("module needs_gone was left out: no gone (needed by needs_gone)"),
        order.leftOut()::toString);
  }
}
