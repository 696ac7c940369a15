// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import java.util.ArrayList;
import java.util.List;
import java.util.Stack;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Takes the value of {@code --cpuid} as it is: "-cx16" would be taken for the option -c. */
final class CpuidParameter implements IParameterConsumer {
  @Override
  public void consumeParameters(Stack<String> args, ArgSpec option, CommandSpec command) {
    if (args.isEmpty()) {
      throw new ParameterException(
          command.commandLine(), "--cpuid: no feature given; write it as in -cx16,-avx");
    }
    List<String> changes = new ArrayList<>();
    List<String> before = option.getValue();
    if (before != null) {
      changes.addAll(before);
    }
    for (String change : args.pop().split(",")) {
      if (!change.isBlank()) {
        changes.add(change.strip());
      }
    }
    option.setValue(changes);
  }
}
