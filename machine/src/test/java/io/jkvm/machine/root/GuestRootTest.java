// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.machine.initramfs.Archive;
import io.jkvm.machine.kernel.KernelFiles;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import io.jkvm.machine.spec.NetworkSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is in the initramfs of a run, for kernels that have no code. */
class GuestRootTest {
  private static final String RELEASE = "6.1.7";
  private static final String MAGIC = "vermagic=6.1.7 SMP ";
  private static final String PLACE = "lib/modules/6.1.7/";

  @TempDir Path dir;

  private KernelSource kernel() throws IOException {
    byte[] vmlinux = KernelFiles.vmlinux(KernelFiles.text(RELEASE, null));
    Path image =
        KernelFiles.write(
            dir.resolve("linux/arch/x86/boot/bzImage"), KernelFiles.bzImage(RELEASE, vmlinux));
    KernelFiles.write(dir.resolve("linux/.config"), "CONFIG_MODULES=y\n");
    return KernelSource.of(image, dir.resolve("nohost"));
  }

  /** In the built tree, with the list that a build makes. */
  private void built(String name, String... info) throws IOException {
    List<String> all = new ArrayList<>(List.of(info));
    if (all.stream().noneMatch(text -> text.startsWith("vermagic"))) {
      all.add(MAGIC);
    }
    KernelFiles.write(
        dir.resolve("linux/drv/" + name + ".ko"), KernelFiles.module(all.toArray(String[]::new)));
    Path order = dir.resolve("linux/modules.order");
    String before = Files.exists(order) ? Files.readString(order) : "";
    KernelFiles.write(order, before + "drv/" + name + ".ko\n");
  }

  private RootSpec spec(
      RootSpec.Kind kind, Path source, String libraryPath, List<String> modules, Path... includes) {
    return new RootSpec(
        kind,
        Optional.ofNullable(source),
        Optional.empty(),
        "/work",
        false,
        "/usr/bin:/bin",
        libraryPath,
        List.of(includes).stream().map(path -> new RootSpec.Include(path, "")).toList(),
        modules);
  }

  private RootSpec initramfs(String... modules) {
    return spec(RootSpec.Kind.INITRAMFS, null, "", List.of(modules));
  }

  private record Made(Archive archive, List<String> notes) {}

  private Made made(RootSpec spec, UnaryOperator<MachineSpecBuilder> machine) throws IOException {
    KernelSource kernel = kernel();
    MachineSpec asked = machine.apply(MachineSpec.boot(kernel.image())).build();
    try (GuestRoot root = GuestRoot.make(spec, kernel, asked)) {
      Path initrd = root.boot(asked).initrds().get(0);
      return new Made(Archive.of(Files.readAllBytes(initrd)), root.notes());
    }
  }

  private Made made(RootSpec spec) throws IOException {
    return made(spec, machine -> machine);
  }

  private static List<String> loaded(Made made) {
    return made.archive.names().stream()
        .filter(name -> name.startsWith(".jkvm/modules/"))
        .map(name -> name.substring(name.indexOf('-') + 1))
        .toList();
  }

  /** As in a bisection by bzImage alone, in a tree whose modules were built once. */
  @Test
  void staleModulesOfJkvmsOwnAreLeftOut() throws IOException {
    built("virtio_console", "depends=virtio", "vermagic=6.1.6 SMP ");
    built("virtio", "depends=");
    built("virtio_pci", "depends=virtio_console");
    built("unix", "depends=");
    Made made = made(initramfs());
    assertEquals(List.of("virtio.ko", "unix.ko"), loaded(made));
    assertEquals(1, made.notes.size(), made.notes::toString);
    assertTrue(made.notes.get(0).contains("is for kernel 6.1.6"), made.notes::toString);
    MachineException asked =
        assertThrows(MachineException.class, () -> made(initramfs("virtio_pci")));
    assertEquals(Problem.MODULE_OTHER_KERNEL, asked.problem());
  }

  @Test
  void aDamagedOneOfJkvmsOwnIsLeftOut() throws IOException {
    built("virtio_rng", "depends=");
    built("unix", "depends=");
    KernelFiles.write(dir.resolve("linux/drv/virtio_rng.ko"), "cut off");
    Made made = made(initramfs());
    assertEquals(List.of("unix.ko"), loaded(made));
    assertEquals(1, made.notes.size(), made.notes::toString);
  }

  @Test
  void theMachinesDevicesHaveTheirDrivers() throws IOException {
    for (String name : List.of("virtio_pci", "virtio_net", "virtio_blk", "af_packet", "ext4")) {
      built(name, "depends=");
    }
    Path disk = Files.write(dir.resolve("disk.img"), new byte[4096]);
    assertEquals(List.of("virtio_pci.ko"), loaded(made(initramfs())));
    assertEquals(
        List.of("virtio_pci.ko", "virtio_net.ko", "af_packet.ko"),
        loaded(made(initramfs(), machine -> machine.card(CardSpec.on(NetworkSpec.user())))));
    assertEquals(
        List.of("virtio_pci.ko", "virtio_blk.ko"),
        loaded(made(initramfs(), machine -> machine.disk(DiskSpec.raw(disk)))));
  }

  /** With what they need, that first. */
  @Test
  void theHostsRootHasTheDriversOfShares() throws IOException {
    built("9pnet", "depends=");
    built("9pnet_virtio", "depends=9pnet");
    built("9p", "depends=9pnet");
    built("overlay", "depends=");
    List<String> second = List.of("9pnet.ko", "9pnet_virtio.ko", "9p.ko", "overlay.ko");
    assertEquals(second, loaded(made(spec(RootSpec.Kind.HOST, Path.of("/"), "", List.of()))));
    built("fuse", "depends=");
    built("virtiofs", "depends=fuse");
    List<String> both = new ArrayList<>(List.of("fuse.ko", "virtiofs.ko"));
    both.addAll(second);
    assertEquals(both, loaded(made(spec(RootSpec.Kind.HOST, Path.of("/"), "", List.of()))));
  }

  @Test
  void anImageHasTheDriverOfItsFileSystem() throws IOException {
    List<String> all = List.of("ext4", "xfs", "btrfs", "f2fs", "erofs", "squashfs");
    for (String name : all) {
      built(name, "depends=");
    }
    built("overlay", "depends=");
    assertEquals(List.of("overlay.ko", "xfs.ko"), loaded(made(image(0, "XFSB"))));
    assertEquals(List.of("overlay.ko", "btrfs.ko"), loaded(made(image(65600, "_BHRfS_M"))));
    assertEquals(List.of("overlay.ko", "ext4.ko"), loaded(made(image(1080, "S\u00ef"))));
    assertEquals(List.of("overlay.ko", "squashfs.ko"), loaded(made(image(0, "hsqs"))));
    List<String> unknown = loaded(made(image(0, "what")));
    assertEquals(all.size() + 1, unknown.size(), "any that may do: " + unknown);
  }

  private RootSpec image(int offset, String magic) throws IOException {
    Path image = dir.resolve("root.img");
    Files.deleteIfExists(image);
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.seek(offset);
      file.writeBytes(magic);
      file.setLength(1 << 20);
    }
    return spec(RootSpec.Kind.IMAGE, image, "", List.of());
  }

  @Test
  void aModuleOfOnesOwnNeedsNoOthers() throws IOException {
    Path own =
        KernelFiles.write(dir.resolve("my/own-one.ko"), KernelFiles.module("depends=", MAGIC));
    Made made = made(initramfs(own.toString()));
    assertEquals(List.of("own_one.ko"), loaded(made));
    assertTrue(made.archive.has(path(made.archive, "extra/own-one.ko")));
    KernelFiles.write(own, KernelFiles.module("depends=", "vermagic=6.1.8 SMP "));
    MachineException other =
        assertThrows(MachineException.class, () -> made(initramfs(own.toString())));
    assertEquals(Problem.MODULE_OTHER_KERNEL, other.problem());
    KernelFiles.write(own, KernelFiles.module("depends=parport", MAGIC));
    MachineException needy =
        assertThrows(MachineException.class, () -> made(initramfs(own.toString())));
    assertEquals(Problem.MODULES_ABSENT, needy.problem());
    assertTrue(needy.getMessage().contains("parport (needed by own_one)"), needy::getMessage);
  }

  @Test
  void modprobeFindsWhatIsThere() throws Exception {
    built("base", "depends=", "alias=fs-base", "alias=pci:v00001AF4d*[0-9]-x*");
    built("mid-dle", "depends=base");
    built("top", "depends=mid-dle");
    KernelFiles.write(dir.resolve("linux/modules.builtin"), "kernel/fs/ext4/ext4.ko\n");
    Made made = made(initramfs("top"));
    assertEquals(List.of("base.ko", "mid_dle.ko", "top.ko"), loaded(made));
    Archive archive = made.archive;
    assertEquals("/" + PLACE + "kernel/drv/top.ko", archive.text(".jkvm/modules/002-top.ko"));
    assertEquals(
        "kernel/drv/top.ko: kernel/drv/mid-dle.ko kernel/drv/base.ko",
        archive.text(path(archive, "modules.dep")).lines().toList().get(2));
    assertEquals(
        "insmod kernel/drv/base.ko\ninsmod kernel/drv/mid-dle.ko\ninsmod kernel/drv/top.ko\n",
        modprobe(archive, "top"));
    assertEquals("insmod kernel/drv/base.ko\n", modprobe(archive, "fs-base"));
    assertEquals("insmod kernel/drv/base.ko\n", modprobe(archive, "pci:v00001AF4d17-x3"));
    assertEquals("builtin ext4\n", modprobe(archive, "ext4"));
    assertEquals("status 1\n", modprobe(archive, "nosuch"));
  }

  /** There may be links for /lib, as on this host. */
  private static String path(Archive archive, String list) {
    return archive.names().stream()
        .filter(name -> name.endsWith(PLACE + list))
        .findFirst()
        .orElseThrow();
  }

  /** What this host's modprobe(8), which is kmod's, would do in the guest. */
  private String modprobe(Archive archive, String name) throws Exception {
    Path program = Path.of("/usr/sbin/modprobe");
    assumeTrue(Files.isExecutable(program), "there is no modprobe");
    Path top = dir.resolve("guest");
    for (String entry : archive.names()) {
      int at = entry.indexOf(PLACE);
      if (at >= 0 && !archive.mode(entry).startsWith("4")) {
        Path file = top.resolve(entry.substring(at));
        Files.createDirectories(file.getParent());
        Files.write(file, archive.contents().get(entry));
      }
    }
    Process process =
        new ProcessBuilder(
                program.toString(), "-C", "/dev/null", "-d", "" + top, "-S", RELEASE, "-D", name)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String output = new String(process.getInputStream().readAllBytes());
    int status = process.waitFor();
    return status == 0
        ? output.replace(top + "/" + PLACE, "").replaceAll(" +\n", "\n")
        : "status " + status + "\n";
  }

  @Test
  void aDirectorysOwnModulesAreLeftAlone() throws IOException {
    built("top", "depends=");
    Path root = dir.resolve("root");
    KernelFiles.write(root.resolve(PLACE + "modules.dep"), "its own\n");
    Made made = made(spec(RootSpec.Kind.DIRECTORY, root, "", List.of("top")));
    assertEquals("its own\n", made.archive.text(PLACE + "modules.dep"));
    assertFalse(made.archive.has(PLACE + "modules.dep.bin"));
    assertEquals("100644", made.archive.mode(".jkvm/modules/000-top.ko"));
  }

  /** The agent puts it where it belongs: nothing of it may be lost in the first root. */
  @Test
  void whatIsForAnImageIsCarriedToIt() throws IOException {
    built("top", "depends=");
    Path file = Files.writeString(dir.resolve("data"), "included");
    Path image = Files.write(dir.resolve("root.img"), new byte[4096]);
    RootSpec spec = spec(RootSpec.Kind.IMAGE, image, "", List.of("top"), file, Path.of("/bin/sh"));
    Archive archive = made(spec).archive;
    String carried = ".jkvm/carried/";
    assertEquals("included", archive.text(carried + "given" + file));
    assertFalse(archive.has(file.toString().substring(1)));
    assertTrue(archive.has(carried + "paths/" + PLACE + "modules.dep"));
    assertTrue(
        archive.names().stream().anyMatch(name -> name.matches(carried + "needed/.*/libc\\.so.*")),
        archive.names()::toString);
    Path loader = Path.of("/lib64/ld-linux-x86-64.so.2");
    if (Files.isSymbolicLink(Path.of("/lib64"))) {
      assertTrue(archive.has(carried + "paths" + loader), archive.names()::toString);
    }
    if (Files.isSymbolicLink(Path.of("/bin/sh"))) {
      assertTrue(archive.has(carried + "given-paths/bin/sh"), archive.names()::toString);
    }
    assertEquals(
        "/" + carried + "paths/" + PLACE + "kernel/drv/top.ko",
        archive.text(".jkvm/modules/000-top.ko"));
  }

  @Test
  void librariesAreFoundWhereTheProgramIsToldToLook() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/cc")), "there is no compiler");
    Path library = Files.createDirectory(dir.resolve("own"));
    run("echo 'int own(void) { return 0; }' | cc -shared -o own/libown.so -xc -");
    run("echo 'int own(void); int main(void) { return own(); }' >t.c && cc -o t t.c -Lown -lown");
    Path program = dir.resolve("t");
    Made without = made(spec(RootSpec.Kind.INITRAMFS, null, "", List.of(), program));
    assertTrue(
        without.notes.contains("libown.so, which " + program + " needs, was not found"),
        without.notes::toString);
    Made with = made(spec(RootSpec.Kind.INITRAMFS, null, library.toString(), List.of(), program));
    assertTrue(with.archive.has((library + "/libown.so").substring(1)));
    assertEquals(List.of(), with.notes);
  }

  private void run(String script) throws Exception {
    assertEquals(
        0,
        new ProcessBuilder("sh", "-c", script)
            .directory(dir.toFile())
            .inheritIO()
            .start()
            .waitFor());
  }

  @Test
  void anotherUserMayWriteWhereTheCommandStarts() throws IOException {
    for (String directory : List.of("/work/here", "/root/work")) {
      for (boolean other : new boolean[] {true, false}) {
        RootSpec spec =
            new RootSpec(
                RootSpec.Kind.INITRAMFS,
                Optional.empty(),
                Optional.empty(),
                directory,
                other,
                "/usr/bin:/bin",
                "",
                List.of(),
                List.of());
        Archive archive = made(spec).archive;
        assertEquals(other ? "41777" : "40755", archive.mode(directory.substring(1)));
        boolean open = other && directory.startsWith("/root");
        assertEquals(open ? "40755" : "40700", archive.mode("root"));
      }
    }
  }
}
