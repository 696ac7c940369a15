// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.launcher.testing.NumberedFile;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.report.MachineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
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
  private final Map<String, Predicate<Path>> series = new LinkedHashMap<>();

  WrittenFiles(CommandLine commandLine) {
    this.commandLine = commandLine;
  }

  /** Adds what an option names. */
  WrittenFiles add(String option, Optional<Path> file) {
    checkNamed(option, file);
    file.ifPresent(path -> files.put(option, path));
    return this;
  }

  /** Adds what an option names, of which each of several runs has one of its own. */
  WrittenFiles addOfEach(String option, Optional<Path> file, int runs) {
    if (runs == 1) {
      return add(option, file);
    }
    checkNamed(option, file);
    if (file.filter(WrittenFiles::isOpenStream).isPresent()) {
      throw new ParameterException(
          commandLine, option + ": " + file.get() + " is no file, and each run needs one");
    }
    file.ifPresent(path -> series.put(option, other -> isOneOf(path, runs, other)));
    return this;
  }

  private void checkNamed(String option, Optional<Path> file) {
    if (file.filter(WrittenFiles::hasNoName).isPresent()) {
      throw new ParameterException(commandLine, option + ": no file is named");
    }
  }

  private static boolean hasNoName(Path path) {
    return path.getFileName() == null || Set.of("", ".", "..").contains(path.getFileName() + "");
  }

  /**
   * Looks whether each one is a file of its own; devices and pipes may be several.
   *
   * @param read what the machine is made of
   * @throws ParameterException naming the option
   */
  void check(Collection<Path> read) {
    series.forEach(
        (option, isOneOf) -> {
          for (Path other : read) {
            refuse(option, other, isOneOf.test(other), "the machine is made of it");
          }
          files.forEach(
              (name, path) -> refuse(option, path, isOneOf.test(path), name + " is the same file"));
        });
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

  /**
   * By its name, and by that of what it leads to: such a file is made anew, so links keep theirs.
   */
  private static boolean isOneOf(Path path, int runs, Path other) {
    NumberedFile each = new NumberedFile(path);
    Path directory = place(path).getParent();
    return Stream.of(place(other), target(other))
        .anyMatch(
            file ->
                file.getFileName() != null
                    && file.getParent().equals(directory)
                    && each.isName(file.getFileName().toString(), runs));
  }

  private static Path target(Path file) {
    try {
      return file.toRealPath();
    } catch (IOException e) {
      return place(file);
    }
  }

  private static boolean isSame(Path file, Path other) {
    try {
      return !isStream(file) && Files.isSameFile(file, other);
    } catch (IOException e) { // one of them is not there
      return place(file).equals(place(other));
    }
  }

  private static boolean isOpenStream(Path file) {
    try {
      return isStream(file);
    } catch (IOException e) { // it is not there
      return false;
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
