// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import io.jkvm.machine.spec.CpuFeatureChange;
import java.util.ArrayList;
import java.util.List;
import java.util.Stack;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Takes the value of {@code --cpuid} as it is: "-cx16" would be taken for the option -c. */
public final class CpuidOption implements IParameterConsumer {
  @Override
  public void consumeParameters(Stack<String> args, ArgSpec option, CommandSpec command) {
    if (args.isEmpty()) {
      throw new ParameterException(
          command.commandLine(), "--cpuid: no feature given; write it as in -cx16,-avx");
    }
    List<CpuFeatureChange> changes = new ArrayList<>();
    List<CpuFeatureChange> before = option.getValue();
    if (before != null) {
      changes.addAll(before);
    }
    for (String change : args.pop().split(",")) {
      if (!change.isBlank()) {
        changes.add(parse(change.strip()));
      }
    }
    option.setValue(changes);
  }

  private static CpuFeatureChange parse(String text) {
    boolean signed = text.startsWith("-") || text.startsWith("+");
    return new CpuFeatureChange(signed ? text.substring(1) : text, !text.startsWith("-"));
  }
}
