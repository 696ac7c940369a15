// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Where a kernel developer has a kernel, for {@code jkvm run} without {@code --kernel}. */
public final class KernelFinder {
  private final List<Path> candidates;

  KernelFinder(List<Path> candidates) {
    this.candidates = List.copyOf(candidates);
  }

  /** The usual places, best first. */
  public static KernelFinder usualPlaces() {
    String release;
    try {
      release = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
    } catch (IOException e) {
      release = "unknown";
    }
    return new KernelFinder(
        List.of(
            Path.of("bzImage"),
            Path.of("arch/x86/boot/bzImage"),
            defaultGuest(),
            Path.of("/boot/vmlinuz-" + release)));
  }

  /** The kernel that {@code make run} builds: in the source tree that holds this distribution. */
  private static Path defaultGuest() {
    // bin/jkvm sets jkvm.home to launcher/target/jkvm.
    return Path.of(System.getProperty("jkvm.home", "."))
        .resolve("../../../guest-images/build/bzImage")
        .normalize();
  }

  /**
   * The first that exists.
   *
   * @throws IOException naming all the places if there is none
   */
  public Path find() throws IOException {
    for (Path candidate : candidates) {
      if (Files.isRegularFile(candidate)) {
        return candidate;
      }
    }
    throw new IOException(
        "no kernel found at "
            + String.join(", ", candidates.stream().map(Path::toString).toList())
            + "; name one with --kernel FILE");
  }
}
