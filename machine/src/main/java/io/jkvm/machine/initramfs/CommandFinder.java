// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;

/**
 * Finds the file of a command as a shell does (POSIX.1-2017, Shell Command Language, 2.9.1.1), on
 * the host. Built-in commands of shells are none.
 *
 * @param directory the working directory; absolute
 * @param searchPath directories as in PATH; an empty one is the working directory
 */
public record CommandFinder(Path directory, String searchPath) {
  /** How a search ended; a shell's status follows from it. */
  public enum Kind {
    /** It can be run. */
    FOUND,
    /** There is such a file, but it can't be run: no permission, or a directory (126). */
    NOT_EXECUTABLE,
    /** There is none (127). */
    NOT_FOUND
  }

  /**
   * What was found.
   *
   * @param host the file, absolute, with the links and {@code ..} of how it was found; present
   *     unless the kind is NOT_FOUND
   * @param guest the same path in the guest; present with {@code host}
   * @param reason why it can't be run, in words, such as "is a directory"; empty if it can
   */
  public record Result(Kind kind, Optional<Path> host, Optional<GuestPath> guest, String reason) {
    private static Result of(Kind kind, Path file, String reason) {
      return new Result(kind, Optional.of(file), Optional.of(GuestPath.of(file)), reason);
    }

    private static Result notFound() {
      return new Result(Kind.NOT_FOUND, Optional.empty(), Optional.empty(), "was not found");
    }
  }

  /** Checks the directory. */
  public CommandFinder {
    if (!directory.isAbsolute()) {
      throw new IllegalArgumentException("not absolute: " + directory);
    }
  }

  /**
   * Looks for a command.
   *
   * @param command with a slash in it a path, absolute or relative to the working directory;
   *     without one a name that is looked for in the directories of the search path
   */
  public Result find(String command) {
    if (command.isEmpty()) {
      return Result.notFound();
    }
    if (command.indexOf('/') >= 0) {
      return look(directory, command);
    }
    Result best = Result.notFound();
    for (String place : searchPath.split(":", -1)) {
      Result result = look(directory, place.isEmpty() ? command : place + "/" + command);
      if (result.kind == Kind.FOUND) {
        return result;
      }
      if (best.kind == Kind.NOT_FOUND) {
        best = result;
      }
    }
    return best;
  }

  private static Result look(Path from, String path) {
    Path file;
    try {
      file = from.resolve(path);
    } catch (InvalidPathException e) {
      return Result.notFound();
    }
    try {
      BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
      if (found.isDirectory()) {
        return Result.of(Kind.NOT_EXECUTABLE, file, "is a directory");
      }
      if (path.endsWith("/")) {
        return Result.notFound();
      }
      if (!found.isRegularFile() || !Files.isExecutable(file)) {
        return Result.of(Kind.NOT_EXECUTABLE, file, "is not executable");
      }
      return Result.of(Kind.FOUND, file, "");
    } catch (NoSuchFileException e) {
      return Result.notFound();
    } catch (IOException e) {
      return isBelowFile(file)
          ? Result.notFound()
          : Result.of(Kind.NOT_EXECUTABLE, file, HostFiles.reason(e));
    }
  }

  /** ENOTDIR: a name before the last one is a file. Java has no exception for it. */
  private static boolean isBelowFile(Path file) {
    Path above = file.getParent();
    while (above != null && !Files.exists(above)) {
      above = above.getParent();
    }
    return above != null && !Files.isDirectory(above);
  }
}
