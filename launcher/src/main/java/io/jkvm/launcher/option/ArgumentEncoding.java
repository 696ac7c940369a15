// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Arguments whose bytes are not text in the locale's encoding, as a name in Latin-1 is not where
 * that is UTF-8. Java puts U+FFFD for such bytes, so the file of that name is out of its reach.
 */
public final class ArgumentEncoding {
  private static final char REPLACEMENT = '\uFFFD';

  private ArgumentEncoding() {}

  /** One line about the current directory's name, if names in it lead nowhere therefore. */
  public static Optional<String> directoryNote() {
    // Not where it is there and may not be looked at, as another user's.
    return Files.notExists(Path.of("").toAbsolutePath())
        ? Optional.of(
            "this directory's name is not text in this locale's encoding, "
                + System.getProperty("sun.jnu.encoding", "which is unknown")
                + ", so files in it are not found; run jkvm in another directory")
        : Optional.empty();
  }

  /** One line about the first of them, if there is one. */
  public static Optional<String> complaint(String... args) {
    for (int i = 0; i < args.length; i++) {
      if (args[i].indexOf(REPLACEMENT) >= 0) {
        boolean isValue = i > 0 && args[i - 1].startsWith("-") && !args[i].startsWith("-");
        return Optional.of(
            (isValue ? args[i - 1] + " " : "")
                + "'"
                + args[i].replace(REPLACEMENT, '?')
                + "' is not text in this locale's encoding, "
                + System.getProperty("sun.jnu.encoding", "which is unknown")
                + "; give the file another name or a link, or set LC_ALL to a locale that fits");
      }
    }
    return Optional.empty();
  }
}
