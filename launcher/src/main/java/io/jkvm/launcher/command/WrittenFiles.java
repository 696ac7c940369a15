// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.report.MachineException;
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
  // stat(2)
  private static final int S_IFMT = 0170000;
  private static final int S_IFSOCK = 0140000;
  private static final int S_IFCHR = 0020000;
  private static final int S_IFIFO = 0010000;

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
  static Path image(Path kernel) {
    try {
      return KernelSource.imageOf(kernel);
    } catch (MachineException e) {
      return kernel; // what is wrong with it is the run's to tell, and a report's
    }
  }

  private void refuse(String option, Path file, boolean isTaken, String why) {
    if (isTaken) {
      throw new ParameterException(
          commandLine, option + ": " + file + " would be overwritten: " + why);
    }
  }

  private static boolean isSame(Path file, Path other) {
    try {
      return !isStream(file) && Files.isSameFile(file, other);
    } catch (IOException e) { // one of them is not there
      return place(file).equals(place(other));
    }
  }

  /** What is written to a terminal, a pipe or a socket overwrites nothing. */
  private static boolean isStream(Path file) throws IOException {
    int type = (int) Files.getAttribute(file, "unix:mode") & S_IFMT;
    return type == S_IFIFO || type == S_IFCHR || type == S_IFSOCK;
  }

  private static Path place(Path file) {
    Path absolute = file.toAbsolutePath().normalize();
    try {
      Path directory = absolute.getParent();
      return directory == null ? absolute : directory.toRealPath().resolve(absolute.getFileName());
    } catch (IOException e) {
      return absolute;
    }
  }
}
