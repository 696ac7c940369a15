// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The first line of a script, as the kernel reads it (Linux, fs/binfmt_script.c).
 *
 * <p>Strings are the file's bytes, one char (0 to 255) for each.
 *
 * @param interpreter the program after {@code #!}; where a script was made under Windows, it ends
 *     with a carriage return, as it does for the kernel
 * @param argument the rest of the line, which is one argument
 */
public record Script(String interpreter, Optional<String> argument) {
  /** As much of a file as the kernel looks at (BINPRM_BUF_SIZE). */
  private static final int LINE = 256;

  /**
   * Reads a file.
   *
   * @param file a regular file; opening another kind may wait for ever
   * @return nothing if it does not begin with {@code #!} and a program
   * @throws IOException one line that names the file, which can't be read
   */
  public static Optional<Script> read(Path file) throws IOException {
    byte[] start;
    try (InputStream in = Files.newInputStream(file)) {
      start = in.readNBytes(LINE);
    } catch (IOException e) {
      throw HostFiles.failure(file, e);
    }
    return parse(new String(start, StandardCharsets.ISO_8859_1));
  }

  private static Optional<Script> parse(String start) {
    if (!start.startsWith("#!")) {
      return Optional.empty();
    }
    String line = start.substring(2).split("[\n\0]", 2)[0];
    String[] words = strip(line).split("[ \t]+", 2);
    if (words[0].isEmpty()) {
      return Optional.empty();
    }
    Optional<String> rest =
        words.length < 2 ? Optional.empty() : Optional.of(words[1]).filter(s -> !s.isEmpty());
    return Optional.of(new Script(words[0], rest));
  }

  private static String strip(String line) {
    int from = 0;
    int to = line.length();
    while (from < to && isBlank(line.charAt(from))) {
      from++;
    }
    while (to > from && isBlank(line.charAt(to - 1))) {
      to--;
    }
    return line.substring(from, to);
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t';
  }

  /**
   * The program that env(1) looks for, where that is the interpreter: {@code python3} in {@code
   * #!/usr/bin/env -S PYTHONPATH=x python3 -u}. Options of env that have an argument apart from
   * them are not understood.
   */
  public Optional<String> commandOfEnv() {
    String program = interpreter.substring(interpreter.lastIndexOf('/') + 1);
    if (!program.equals("env") || argument.isEmpty()) {
      return Optional.empty();
    }
    // Without -S all of it is one name, which no host has: what is taken then does no harm.
    String rest = argument.get();
    for (String split : new String[] {"--split-string", "-S"}) {
      if (rest.startsWith(split)) {
        rest = rest.substring(split.length()).replaceFirst("^=", "");
        break;
      }
    }
    for (String word : rest.strip().split("[ \t]+")) {
      if (!word.startsWith("-") && word.indexOf('=') < 0) {
        return Optional.of(word).filter(w -> !w.isEmpty());
      }
    }
    return Optional.empty();
  }
}
