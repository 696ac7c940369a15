// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The value of {@code --share}.
 *
 * @param host the directory
 * @param guest where it is in the guest: an absolute path
 * @param readOnly whether the guest may not change it
 */
public record ShareOption(Path host, String guest, boolean readOnly) {
  /** As the manual has it. */
  public static final String SYNTAX = "HOST[:GUEST][,ro]";

  private static final String READ_ONLY = ",ro";

  /** What other programs have at the end, and here would be a name that the guest may write to. */
  private static final Pattern COLON = Pattern.compile("(.+):(ro|rw)");

  /**
   * Parses the option's value. A colon that no slash follows belongs to the name. A comma in a
   * place of the guest's is an option: taken for a part of it, a mistyped "ro" would let the guest
   * write.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  public static ShareOption parse(String text) {
    boolean readOnly = text.endsWith(READ_ONLY);
    String rest = readOnly ? text.substring(0, text.length() - READ_ONLY.length()) : text;
    int colon = rest.lastIndexOf(":/");
    String name = colon < 0 ? rest : rest.substring(0, colon);
    if (name.isEmpty()) {
      throw new IllegalArgumentException("'" + text + "' names no directory");
    }
    int comma = rest.indexOf(',', Math.max(colon, 0));
    if (colon >= 0 && comma >= 0) {
      throw new IllegalArgumentException(
          "'" + rest.substring(comma + 1) + "' in '" + text + "' is no option of a share; 'ro' is");
    }
    Matcher matcher = COLON.matcher(rest);
    if (matcher.matches() && (colon >= 0 || !Files.exists(Path.of(rest)))) {
      throw new IllegalArgumentException(
          "':"
              + matcher.group(2)
              + "' in '"
              + text
              + "' is no option of a share; ',ro' is, as in "
              + matcher.group(1)
              + READ_ONLY);
    }
    Path host = Path.of(name);
    if (colon < 0 && !Files.exists(host)) {
      checkName(text, name);
    }
    String guest =
        colon < 0
            ? host.toAbsolutePath().normalize().toString()
            : Path.of(rest.substring(colon + 1)).normalize().toString();
    if (guest.equals("/")) {
      throw new IllegalArgumentException(
          "'" + text + "' would be the guest's root; give a place in it, as in " + name + ":/mnt");
    }
    return new ShareOption(host, guest, readOnly);
  }

  /** What is no directory's name may have been meant for something else. */
  private static void checkName(String text, String name) {
    int colon = name.lastIndexOf(':');
    int comma = name.lastIndexOf(',');
    String meant = "";
    if (colon > 0) {
      String example = name.substring(0, colon) + ":/mnt";
      meant = "; a place in the guest begins with '/', as in " + example;
    } else if (comma > 0) {
      String option = name.substring(comma + 1);
      meant = ", and '" + option + "' in '" + text + "' is no option of a share; 'ro' is";
    }
    if (!meant.isEmpty()) {
      throw new IllegalArgumentException("there is no directory '" + name + "' to share" + meant);
    }
  }
}
