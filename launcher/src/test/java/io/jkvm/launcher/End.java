// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.testing.ProjectFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A row of {@code test-bed/ends.tsv}: a way in which a machine ends.
 *
 * @param how the way, for a person
 * @param kernel "up", "smp" or a file of {@code guest-images/build}
 * @param kernelOptions more for the kernel's command line; may be empty
 * @param guestCommand what the default guest runs; empty for its shell
 * @param host what the host does; may be empty
 * @param message how the last line begins, after the command's name
 * @param status the exit status
 */
public record End(
    String how,
    String kernel,
    String kernelOptions,
    String guestCommand,
    String host,
    String message,
    int status) {
  private static final int COLUMNS = 7;

  /** The whole table. */
  public static List<End> all() throws IOException {
    Path table = ProjectFiles.root().resolve("test-bed/ends.tsv");
    return Files.readAllLines(table).stream()
        .filter(line -> !line.startsWith("#"))
        .map(End::parse)
        .toList();
  }

  private static End parse(String line) {
    String[] column =
        Arrays.stream(line.split("\t")).map(c -> c.equals("-") ? "" : c).toArray(String[]::new);
    if (column.length != COLUMNS) {
      throw new IllegalArgumentException(line);
    }
    int status = Integer.parseInt(column[6]);
    return new End(column[0], column[1], column[2], column[3], column[4], column[5], status);
  }

  String commandLine() {
    return kernelOptions + (guestCommand.isEmpty() ? "" : " jkvm.run=\"" + guestCommand + "\"");
  }

  /** The kernel's file. */
  Path image() {
    return ProjectFiles.guestImage(
        switch (kernel) {
          case "up" -> "bzImage";
          case "smp" -> "bzImage-smp";
          default -> kernel;
        });
  }

  /** What the host does, without its options and without when it does it. */
  String action() {
    return words(host).filter(word -> !word.startsWith("--")).collect(Collectors.joining(" "));
  }

  /** Further options of jkvm. */
  List<String> options() {
    return words(host).filter(word -> word.startsWith("--")).toList();
  }

  private static Stream<String> words(String host) {
    return Stream.of(host.replaceFirst(" after .*", "").split(" "));
  }

  /** The output that it waits for. */
  String trigger() {
    int after = host.indexOf(" after ");
    return after < 0 ? "" : host.substring(after + " after ".length());
  }

  /** Whether the host presses a key behind Ctrl-A. */
  boolean isKey() {
    return action().length() == 1;
  }

  /** Names of signals without SIG, in order; each further one when the one before was answered. */
  List<String> signals() {
    return action().matches("[A-Z ]+") ? List.of(action().split(" ")) : List.of();
  }

  @Override
  public String toString() {
    return how;
  }
}
