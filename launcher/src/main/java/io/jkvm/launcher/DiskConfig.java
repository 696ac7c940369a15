// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import java.nio.file.Path;
import java.util.Optional;

/**
 * One {@code --disk FILE[,ro][,id=NAME]}.
 *
 * @param image a raw image or a block device
 * @param readOnly true if the guest must not write
 * @param id what the guest reads as the serial number, at most 20 bytes of ASCII
 */
record DiskConfig(Path image, boolean readOnly, Optional<String> id) {
  private static final int MAX_ID_BYTES = 20;

  /**
   * Parses the option's value. A file name that has a comma followed by something other than an
   * option keeps it.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  static DiskConfig parse(String text) {
    String rest = text;
    boolean readOnly = false;
    Optional<String> id = Optional.empty();
    for (int comma = rest.lastIndexOf(','); comma >= 0; comma = rest.lastIndexOf(',')) {
      String option = rest.substring(comma + 1);
      if (option.equals("ro")) {
        readOnly = true;
      } else if (option.startsWith("id=")) {
        id = Optional.of(checkId(option.substring(3)));
      } else if (option.matches("[a-z]+(=.*)?") && !java.nio.file.Files.exists(Path.of(rest))) {
        throw new IllegalArgumentException(
            "unknown disk option '" + option + "' in '" + text + "'; there are ro and id=NAME");
      } else {
        break;
      }
      rest = rest.substring(0, comma);
    }
    if (rest.isEmpty()) {
      throw new IllegalArgumentException("'" + text + "' names no file");
    }
    return new DiskConfig(Path.of(rest), readOnly, id);
  }

  private static String checkId(String id) {
    if (id.isEmpty() || id.length() > MAX_ID_BYTES || !id.matches("[\\x21-\\x7e]+")) {
      throw new IllegalArgumentException(
          "disk id '" + id + "' is not 1 to " + MAX_ID_BYTES + " printable ASCII characters");
    }
    return id;
  }
}
