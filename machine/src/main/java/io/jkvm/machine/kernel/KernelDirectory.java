// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Where a directory has a kernel's image. */
final class KernelDirectory {
  /** Where a build puts it, best first: the bzImage is what users install. */
  private static final List<String> BUILT =
      List.of("arch/x86/boot/bzImage", "arch/x86_64/boot/bzImage", "bzImage", "vmlinux");

  /** Directories, and what an image in them is called; the star stands for a release. */
  private static final List<String> INSTALLED =
      List.of(
          "boot/vmlinuz-*",
          "vmlinuz-*",
          "vmlinuz",
          "lib/modules/*/vmlinuz",
          "usr/lib/modules/*/vmlinuz");

  private static final int NAMES_IN_MESSAGE = 4;

  private KernelDirectory() {}

  /**
   * The one image in a directory.
   *
   * @throws MachineException with {@link Problem#KERNEL_NOT_IN_DIRECTORY} or {@link
   *     Problem#KERNEL_SEVERAL}
   */
  static Path image(Path directory) {
    for (String name : BUILT) {
      Path image = directory.resolve(name);
      if (Files.isRegularFile(image)) {
        return image;
      }
    }
    for (String pattern : INSTALLED) {
      List<Path> found = matches(directory, pattern);
      if (found.size() > 1) {
        String names =
            found.stream()
                .limit(NAMES_IN_MESSAGE)
                .map(file -> directory.relativize(file).toString())
                .collect(Collectors.joining(", "));
        String more = found.size() > NAMES_IN_MESSAGE ? " and others" : "";
        throw new MachineException(
            Problem.KERNEL_SEVERAL,
            directory.toString(),
            "directory " + directory + " has several kernels (" + names + more + ")",
            null);
      }
      if (!found.isEmpty()) {
        return found.get(0);
      }
    }
    throw new MachineException(
        Problem.KERNEL_NOT_IN_DIRECTORY,
        directory.toString(),
        "directory "
            + directory
            + " has no kernel (looked for "
            + String.join(", ", BUILT)
            + ", "
            + String.join(", ", INSTALLED)
            + ")",
        null);
  }

  /** The files that a pattern with one star at most stands for, by name. */
  private static List<Path> matches(Path top, String pattern) {
    int star = pattern.indexOf('*');
    if (star < 0) {
      Path file = top.resolve(pattern);
      return Files.isRegularFile(file) ? List.of(file) : List.of();
    }
    int slash = pattern.lastIndexOf('/', star);
    int end = pattern.indexOf('/', star);
    Path directory = slash < 0 ? top : top.resolve(pattern.substring(0, slash));
    String glob = pattern.substring(slash + 1, end < 0 ? pattern.length() : end);
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, glob)) {
      for (Path entry : entries) {
        Path file = end < 0 ? entry : entry.resolve(pattern.substring(end + 1));
        if (Files.isRegularFile(file) && !isSpare(entry.getFileName().toString())) {
          found.add(file);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      return List.of(); // no such directory, or none that may be listed
    }
    found.sort(null);
    return found;
  }

  /** Copies that a distribution keeps for emergencies. */
  private static boolean isSpare(String name) {
    return name.startsWith("vmlinuz-0-rescue-") || name.endsWith(".old");
  }

  /**
   * The built tree, or the output directory of a build, that an image is in.
   *
   * @param real the image without symbolic links: arch/x86_64/boot/bzImage is one to the other
   */
  static Optional<Path> treeOf(Path real) {
    for (String name : BUILT) {
      if (real.endsWith(name)) {
        Path top = real;
        for (int i = 0; i < Path.of(name).getNameCount(); i++) {
          top = top.getParent();
        }
        boolean built =
            Files.exists(top.resolve(".config")) || Files.exists(top.resolve("include/config"));
        return built ? Optional.of(top) : Optional.empty();
      }
    }
    return Optional.empty();
  }
}
