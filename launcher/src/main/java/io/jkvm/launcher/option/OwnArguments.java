// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Which arguments are jkvm's own. What follows them belongs to a command in the guest: it may have
 * options of any look, and bytes that are no text.
 */
public final class OwnArguments {
  private OwnArguments() {}

  /**
   * The arguments in front of {@code --}, and of the first that is no option of a subcommand that
   * stops there.
   *
   * @param command with its subcommands, of which the first argument may name one
   */
  public static String[] of(CommandLine command, String... args) {
    CommandLine run = args.length == 0 ? null : command.getSubcommands().get(args[0]);
    for (int i = 1; run != null && i < args.length; i++) {
      boolean isValue = takesValue(run, args[i - 1]) && !(i > 1 && takesValue(run, args[i - 2]));
      boolean isEnd = args[i].equals("--") || run.isStopAtPositional() && !args[i].startsWith("-");
      if (isEnd && !isValue) {
        return Arrays.copyOf(args, i);
      }
    }
    return args;
  }

  /**
   * Whether the argument behind this one is its value.
   *
   * @param argument an option alone, or short ones without values in front of it, as in {@code -qm}
   */
  public static boolean takesValue(CommandLine command, String argument) {
    if (!argument.startsWith("-")) {
      return false;
    }
    if (argument.matches("-[A-Za-z]{2,}")) {
      for (int i = 1; i < argument.length() - 1; i++) {
        if (hasValue(command, "-" + argument.charAt(i))) {
          return false; // the rest is its value
        }
      }
      return hasValue(command, "-" + argument.charAt(argument.length() - 1));
    }
    return hasValue(command, argument);
  }

  private static boolean hasValue(CommandLine command, String name) {
    OptionSpec option = command.getCommandSpec().findOption(name);
    return option != null && option.arity().max() > 0;
  }
}
