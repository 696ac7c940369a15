// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One file of each of several runs: {@code k.log} is {@code k-1.log}, {@code k-2.log} and so on.
 *
 * @param path as the user gives it
 */
public record NumberedFile(Path path) {
  private String name() {
    return path.getFileName().toString();
  }

  /** Where the number comes in: before what follows the last dot, if that is not all of it. */
  private int place() {
    int dot = name().lastIndexOf('.');
    return dot > 0 ? dot : name().length();
  }

  /** The file of a run, which is counted from 1. */
  Path of(int run) {
    String name = name();
    return path.resolveSibling(name.substring(0, place()) + "-" + run + name.substring(place()));
  }

  /** Whether a name in the same directory is that of one of the runs. */
  public boolean isName(String other, int runs) {
    String name = name();
    Pattern numbered =
        Pattern.compile(
            Pattern.quote(name.substring(0, place()))
                + "-([1-9][0-9]{0,8})"
                + Pattern.quote(name.substring(place())));
    Matcher matcher = numbered.matcher(other);
    return matcher.matches() && Integer.parseInt(matcher.group(1)) <= runs;
  }
}
