// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.testing.ProjectFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Real kernels, where this host has some: no guest is booted. */
class HostKernelTest {
  private static final Set<Purpose> ALL = EnumSet.allOf(Purpose.class);

  @Test
  void theModulesOfInstalledKernelsHaveAnOrderAndCanBeRead() throws IOException {
    Path top = Path.of("/lib/modules");
    assumeTrue(Files.isDirectory(top), "no modules here");
    List<Path> directories;
    try (Stream<Path> entries = Files.list(top)) {
      directories = entries.filter(it -> Files.exists(it.resolve("modules.dep"))).toList();
    }
    assumeTrue(!directories.isEmpty(), "no modules here");
    for (Path directory : directories) {
      String release = directory.getFileName().toString();
      KernelModules modules =
          KernelModules.of(
              new KernelSource(
                  Path.of("vmlinuz"),
                  Optional.of(release),
                  List.of(),
                  List.of(),
                  List.of(directory)));
      Set<String> loaded = new HashSet<>();
      for (KernelModule module : modules.resolve(List.of(), AgentModules.names(ALL)).modules()) {
        assertTrue(loaded.containsAll(module.depends()), module.name());
        loaded.add(module.name());
        assertTrue(module.read().length > 0);
        for (String depend : KernelModule.info(module.path()).depends()) {
          String name = depend.replace('-', '_');
          assertTrue(loaded.contains(name) || modules.isBuiltIn(name), module.name());
        }
      }
    }
  }

  @Test
  void anInstalledKernelHasItsConfigurationAndModules() throws IOException {
    Path boot = Path.of("/boot");
    assumeTrue(Files.isDirectory(boot), "no kernel here");
    List<Path> images;
    try (Stream<Path> entries = Files.list(boot)) {
      images =
          entries
              .filter(it -> it.getFileName().toString().startsWith("vmlinuz-"))
              .filter(Files::isReadable)
              .filter(it -> Files.exists(Path.of(it.toString().replace("vmlinuz", "config"))))
              .toList();
    }
    assumeTrue(!images.isEmpty(), "no kernel here");
    for (Path image : images) {
      KernelSource source = KernelSource.of(image);
      assertEquals(image.getFileName().toString(), "vmlinuz-" + source.release().orElseThrow());
      KernelConfig config = source.config().orElseThrow();
      assertTrue(config.isBuiltIn("64BIT") && config.size() > 1000, config.origin());
      KernelModules modules = KernelModules.of(source);
      if (modules.directory().isPresent()) {
        // A distribution's kernel runs commands, whatever it has as modules.
        assertEquals(
            List.of(),
            KernelRequirements.missing(config, Set.of(Purpose.TERMINAL), modules::has).stream()
                .filter(KernelRequirements.Missing::isNeeded)
                .toList());
      }
    }
  }

  /** Debian's kernel is packed by xz, and its configuration is not in it. */
  @Test
  void aStockKernelFromElsewhereTellsItsRelease() {
    Path image = ProjectFiles.root().resolve("guest-images/build/stock-vmlinuz");
    assumeTrue(Files.exists(image), "no stock kernel was fetched");
    KernelSource source = KernelSource.of(image, Path.of("/nonexistent"));
    assertTrue(source.release().orElseThrow().matches("[0-9]+\\.[0-9]+.*"));
    assertEquals(Optional.empty(), source.config());
    assertEquals(Optional.empty(), KernelModules.of(source).directory());
  }

  @Test
  void theDefaultGuestsKernelIsOneName() {
    Path packed = ProjectFiles.root().resolve("guest-images/build/bzImage");
    Path plain = ProjectFiles.root().resolve("guest-images/build/vmlinux");
    assumeTrue(Files.exists(packed) && Files.exists(plain), "make guest-images was not run");
    assertEquals(KernelSource.of(packed).release(), KernelSource.of(plain).release());
  }
}
