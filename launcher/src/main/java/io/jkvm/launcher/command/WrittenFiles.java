// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.machine.kernel.KernelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** The files that a command is to write, which must not cost its user another one. */
final class WrittenFiles {
  private final CommandLine commandLine;
  private final Map<String, Path> files = new LinkedHashMap<>();

  WrittenFiles(CommandLine commandLine) {
    this.commandLine = commandLine;
  }

  /** Adds what an option names. */
  WrittenFiles add(String option, Optional<Path> file) {
    if (file.isPresent() && file.get().toString().isEmpty()) {
      throw new ParameterException(commandLine, option + ": no file is named");
    }
    file.ifPresent(path -> files.put(option, path));
    return this;
  }

  /**
   * Looks whether each one is a file of its own; devices and pipes may be several.
   *
   * @param read what the machine is made of
   * @throws ParameterException naming the option
   */
  void check(Collection<Path> read) {
    Map<String, Path> before = new LinkedHashMap<>();
    files.forEach(
        (option, file) -> {
          for (Path other : read) {
            refuse(option, file, isSame(file, other), "the machine is made of it");
          }
          before.forEach(
              (name, path) -> refuse(option, file, isSame(file, path), name + " is the same file"));
          before.put(option, file);
        });
  }

  /** The file of a kernel that may be given as the directory that has it. */
  static Path image(Path kernel) throws IOException {
    return Files.isDirectory(kernel) ? KernelSource.of(kernel).image() : kernel;
  }

  private void refuse(String option, Path file, boolean isTaken, String why) {
    if (isTaken) {
      throw new ParameterException(
          commandLine, option + ": " + file + " would be overwritten: " + why);
    }
  }

  private static boolean isSame(Path file, Path other) {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      return false;
    }
    try {
      return Files.isSameFile(file, other);
    } catch (IOException e) { // one of them is not there
      return file.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize());
    }
  }
}
