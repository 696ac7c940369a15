// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Where tests find what the recipes under guest-images have built. */
public final class ProjectFiles {
  /** The modules, in the order in which they depend on each other. */
  public static final List<String> MODULES =
      List.of(
          "hypervisor-core",
          "devices",
          "firmware",
          "machine",
          "launcher",
          "examples",
          "benchmarks");

  private ProjectFiles() {}

  /** The top of the source tree. */
  public static Path root() {
    return Path.of(System.getProperty("jkvm.root", "..")).toAbsolutePath().normalize();
  }

  /** A file under guest-images/build; fails the test with the command that makes it if absent. */
  public static Path guestImage(String name) {
    Path file = root().resolve("guest-images/build").resolve(name);
    if (!Files.exists(file)) {
      throw new AssertionError(file + " is missing; run 'make guest-images' first");
    }
    return file;
  }
}
