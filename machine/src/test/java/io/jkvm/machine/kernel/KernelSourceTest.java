// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import static io.jkvm.machine.kernel.KernelFiles.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelSourceTest {
  private static final byte[] ELF = KernelFiles.vmlinux(KernelFiles.text("6.1.7-elf", null));
  private static final byte[] IMAGE = KernelFiles.bzImage("6.1.7-x (me@here) #1", ELF);
  private static final byte[] NAMELESS = KernelFiles.bzImage("", ELF);

  @TempDir Path temporary;
  private Path folder;
  private Path host;

  @BeforeEach
  void makeAnEmptyHost() throws IOException {
    folder = Files.createDirectory(temporary.toRealPath().resolve("given"));
    host = Files.createDirectory(temporary.toRealPath().resolve("host"));
  }

  private KernelSource of(Path path) {
    return KernelSource.of(path, host);
  }

  @Test
  void anImageNamesItsRelease() throws IOException {
    Path image = write(folder.resolve("image"), IMAGE);
    KernelSource source = of(image);
    assertEquals(image, source.image());
    assertEquals(Optional.of("6.1.7-x"), source.release());
    assertTrue(source.moduleDirectories().contains(host.resolve("lib/modules/6.1.7-x")));
    assertEquals(
        Optional.of("6.1.7-elf"), of(write(folder.resolve("elf"), ELF)).release(), "the banner");
    assertEquals(
        Optional.of("5.4.1"), of(write(folder.resolve("vmlinuz-5.4.1"), NAMELESS)).release());
    assertEquals(Optional.empty(), of(write(folder.resolve("k"), NAMELESS)).release());
  }

  @Test
  void aReleaseIsNeverAPath() throws IOException {
    byte[] hostile = KernelFiles.bzImage("6/../../../etc x", ELF);
    assertEquals(Optional.empty(), of(write(folder.resolve("k"), hostile)).release());
  }

  @Test
  void aBuiltTreeHasAllOfIt() throws IOException {
    write(folder.resolve("vmlinux"), ELF);
    write(folder.resolve(".config"), "CONFIG_HERE=y\n");
    assertEquals(folder.resolve("vmlinux"), of(folder).image(), "only vmlinux is built");
    Path image = write(folder.resolve("arch/x86/boot/bzImage"), IMAGE);
    Files.createDirectories(folder.resolve("arch/x86_64/boot"));
    Path link = folder.resolve("arch/x86_64/boot/bzImage");
    Files.createSymbolicLink(link, Path.of("../../x86/boot/bzImage"));
    assertEquals(image, of(folder).image());
    for (Path path : new Path[] {folder, image, link, folder.resolve("vmlinux")}) {
      KernelSource source = of(path);
      assertEquals(folder.resolve(".config"), source.configFiles().get(0), path.toString());
      assertEquals(folder, source.moduleDirectories().get(0), path.toString());
      assertTrue(source.config().orElseThrow().isBuiltIn("HERE"), path.toString());
    }
  }

  @Test
  void anImageThatDoesNotSayHasTheTreesRelease() throws IOException {
    write(folder.resolve("include/config/kernel.release"), "6.9.0-rc1+\n");
    write(folder.resolve("arch/x86/boot/bzImage"), NAMELESS);
    assertEquals(Optional.of("6.9.0-rc1+"), of(folder).release());
  }

  @Test
  void aPackageIsFoundUnpacked() throws IOException {
    write(folder.resolve("boot/vmlinuz-6.1.7-x"), IMAGE);
    write(folder.resolve("boot/config-6.1.7-x"), "CONFIG_PACKED=y\n");
    Path modules = folder.resolve("usr/lib/modules/6.1.7-x");
    write(modules.resolve("modules.order"), "");
    for (Path path : new Path[] {folder, folder.resolve("boot"), of(folder).image()}) {
      KernelSource source = of(path);
      assertTrue(source.config().orElseThrow().isBuiltIn("PACKED"), path.toString());
      assertEquals(modules, KernelModules.of(source).directory().orElseThrow(), path.toString());
    }
  }

  @Test
  void anImageAmongItsModulesIsFound() throws IOException {
    Path modules = folder.resolve("lib/modules/6.1.7-x");
    write(modules.resolve("vmlinuz"), IMAGE);
    write(modules.resolve("config"), "CONFIG_FEDORA=y\n");
    write(modules.resolve("modules.dep"), "");
    write(modules.resolve("modules.order"), "");
    for (Path path : new Path[] {folder, modules, modules.resolve("vmlinuz")}) {
      KernelSource source = of(path);
      assertTrue(source.config().orElseThrow().isBuiltIn("FEDORA"), path.toString());
      assertEquals(modules, KernelModules.of(source).directory().orElseThrow(), path.toString());
    }
  }

  @Test
  void theConfigurationInTheImageIsBetterThanTheHosts() throws IOException {
    Path image = write(folder.resolve("k"), IMAGE);
    write(host.resolve("boot/config-6.1.7-x"), "CONFIG_HOST=y\n");
    assertTrue(of(image).config().orElseThrow().isBuiltIn("HOST"));
    byte[] carrier = KernelFiles.vmlinux(KernelFiles.text("6.1.7-x", "CONFIG_OWN=y\n"));
    write(image, KernelFiles.bzImage("6.1.7-x (me)", carrier));
    assertTrue(of(image).config().orElseThrow().isBuiltIn("OWN"));
    write(folder.resolve(".config"), "no configuration\n");
    assertTrue(of(image).config().orElseThrow().isBuiltIn("OWN"), "some other file of that name");
  }

  @Test
  void aDirectoryWithoutAKernelSaysWhereWasLooked() {
    MachineException e = assertThrows(MachineException.class, () -> of(folder));
    assertEquals(Problem.KERNEL_NOT_IN_DIRECTORY, e.problem());
    for (String place : new String[] {"arch/x86/boot/bzImage", "vmlinux", "boot/vmlinuz-*"}) {
      assertTrue(e.getMessage().contains(place), e.getMessage());
    }
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void aDirectoryWithSeveralIsNotGuessedAt() throws IOException {
    for (int i = 0; i < 9; i++) {
      write(folder.resolve("vmlinuz-6." + i), IMAGE);
    }
    MachineException e = assertThrows(MachineException.class, () -> of(folder));
    assertEquals(Problem.KERNEL_SEVERAL, e.problem());
    assertTrue(e.getMessage().contains("vmlinuz-6.0, vmlinuz-6.1"), e.getMessage());
    assertTrue(e.getMessage().contains("and others"), e.getMessage());
  }

  @Test
  void sparesAreNoSecondKernel() throws IOException {
    Path image = write(folder.resolve("vmlinuz-6.1.7-x"), IMAGE);
    write(folder.resolve("vmlinuz-6.1.7-x.old"), IMAGE);
    write(folder.resolve("vmlinuz-0-rescue-1234"), IMAGE);
    assertEquals(image, of(folder).image());
  }

  @Test
  void whatIsNoKernelIsRefusedAsEverywhere() throws IOException {
    Path text = write(folder.resolve("bzImage"), "hello\n");
    MachineException e = assertThrows(MachineException.class, () -> of(text));
    assertEquals(Problem.KERNEL_TEXT, e.problem());
    e = assertThrows(MachineException.class, () -> of(folder.resolve("absent")));
    assertEquals(Problem.KERNEL_ABSENT, e.problem());
  }
}
