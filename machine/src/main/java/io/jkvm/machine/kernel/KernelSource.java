// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.kernel.KernelImage;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A kernel as a user names it: an image, a built tree (or a build's output directory), a
 * distribution's package unpacked, a directory of modules with the image in it, or a directory like
 * {@code /boot} with one image.
 *
 * @param image the bzImage or vmlinux, checked to be one
 * @param release what {@code uname -r} will say, if that can be found out
 * @param configFiles where the configuration may be that belongs to this image, best first; they
 *     need not exist
 * @param installedConfigFiles where this host has the configuration of a kernel of that release, if
 *     it has it installed
 * @param moduleDirectories where the modules may be, best first: directories with modules.dep or
 *     modules.order; they need not exist
 */
public record KernelSource(
    Path image,
    Optional<String> release,
    List<Path> configFiles,
    List<Path> installedConfigFiles,
    List<Path> moduleDirectories) {
  private static final int MAX_RELEASE_BYTES = 128;

  /** Takes copies of the lists. */
  public KernelSource {
    configFiles = List.copyOf(configFiles);
    installedConfigFiles = List.copyOf(installedConfigFiles);
    moduleDirectories = List.copyOf(moduleDirectories);
  }

  /**
   * Finds the kernel that a path stands for, with what the host has installed in {@code /}.
   *
   * @throws MachineException if there is none, with the places that were looked at; if there are
   *     several; or if the image is no kernel that this machine can run
   */
  public static KernelSource of(Path path) {
    return of(path, Path.of("/"));
  }

  /**
   * The file that a path stands for, whatever is in it.
   *
   * @throws MachineException if a directory has none, or several
   */
  public static Path imageOf(Path path) {
    return Files.isDirectory(path) ? KernelDirectory.image(path) : path;
  }

  /**
   * Finds the kernel that a path stands for.
   *
   * @param host where the host's own {@code boot} and {@code lib/modules} are
   * @throws MachineException as {@link #of(Path)}
   */
  public static KernelSource of(Path path, Path host) {
    Path image = imageOf(path);
    KernelImage kernel;
    String version;
    try {
      kernel = KernelImage.open(image);
      version = kernel instanceof BzImage packed ? packed.versionText() : "";
    } catch (KernelFormatException e) {
      throw refused(e);
    }
    Path real = real(image);
    Optional<Path> tree = KernelDirectory.treeOf(real);
    String name = real.getFileName().toString();
    Optional<String> release =
        isRelease(firstWord(version))
            .or(() -> kernel instanceof BzImage ? Optional.empty() : banner(kernel))
            .or(() -> tree.flatMap(KernelSource::treeRelease))
            .or(() -> isRelease(name.startsWith("vmlinuz-") ? name.substring(8) : ""));

    Set<Path> configs = new LinkedHashSet<>();
    Set<Path> modules = new LinkedHashSet<>();
    Set<Path> installed = new LinkedHashSet<>();
    tree.ifPresent(
        top -> {
          configs.add(top.resolve(".config"));
          modules.add(top);
        });
    // A link to an image, and the image: either may have a configuration beside it.
    for (Path beside : new LinkedHashSet<>(List.of(parent(image.toAbsolutePath()), parent(real)))) {
      configs.add(beside.resolve(".config"));
      release.ifPresent(it -> configs.add(beside.resolve("config-" + it)));
      configs.add(beside.resolve("config"));
      if (Files.exists(beside.resolve("modules.order"))) {
        modules.add(beside);
      }
    }
    release.ifPresent(
        it -> {
          addInstalled(root(path, real), it, configs, modules);
          addInstalled(host, it, installed, modules);
        });
    installed.removeAll(configs);
    return new KernelSource(
        image,
        release,
        new ArrayList<>(configs),
        new ArrayList<>(installed),
        new ArrayList<>(modules));
  }

  /** Adds where a root directory has what belongs to a release, in the order of preference. */
  private static void addInstalled(
      Path root, String release, Set<Path> configs, Set<Path> modules) {
    configs.add(root.resolve("boot").resolve("config-" + release));
    for (String top : List.of("lib/modules", "usr/lib/modules")) {
      Path directory = root.resolve(top).resolve(release);
      configs.add(directory.resolve("config"));
      configs.add(directory.resolve("build/.config"));
      modules.add(directory);
    }
  }

  /** The directory that has boot/ and lib/ of the kernel: what was given, or what boot/ is in. */
  private static Path root(Path given, Path image) {
    Path top = Files.isDirectory(given) ? real(given) : parent(image);
    return top.endsWith("boot") ? parent(top) : top;
  }

  private static Path real(Path path) {
    try {
      return path.toRealPath();
    } catch (IOException e) {
      return path.toAbsolutePath().normalize();
    }
  }

  private static Path parent(Path absolute) {
    return absolute.getParent() == null ? absolute : absolute.getParent();
  }

  private static Optional<String> banner(KernelImage kernel) {
    return KernelText.unpacked(kernel).flatMap(KernelText::release);
  }

  private static Optional<String> treeRelease(Path tree) {
    Path file = tree.resolve("include/config/kernel.release");
    try (InputStream in = Files.newInputStream(file)) {
      byte[] text = BoundedFiles.readAll(in, MAX_RELEASE_BYTES, file.toString());
      return isRelease(new String(text, StandardCharsets.US_ASCII).strip());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static String firstWord(String text) {
    int end = text.indexOf(' ');
    return end < 0 ? text : text.substring(0, end);
  }

  /** A release becomes a part of paths, so it must be one name. */
  private static Optional<String> isRelease(String text) {
    return text.matches("[0-9][A-Za-z0-9._+~-]{0,127}") ? Optional.of(text) : Optional.empty();
  }

  /**
   * The configuration that the kernel was built with: of the files that belong to the image the
   * first that is a configuration, else the one in the image, else the host's for this release.
   */
  public Optional<KernelConfig> config() {
    return first(configFiles)
        .or(() -> KernelConfig.fromImage(image))
        .or(() -> first(installedConfigFiles));
  }

  private static Optional<KernelConfig> first(List<Path> files) {
    for (Path file : files) {
      if (Files.isRegularFile(file)) {
        try {
          return Optional.of(KernelConfig.read(file));
        } catch (MachineException e) {
          continue; // not readable, or something else of that name
        }
      }
    }
    return Optional.empty();
  }

  /** The image is no kernel. The problems and the kinds have the same names. */
  static MachineException refused(KernelFormatException e) {
    Problem problem = Problem.valueOf("KERNEL_" + e.kind());
    return new MachineException(problem, e.getMessage(), e);
  }
}
