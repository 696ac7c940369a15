// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What an EXEC asks for. */
record Command(
    int flags,
    int rows,
    int columns,
    String user,
    String directory,
    List<byte[]> arguments,
    List<String> environment) {
  static final int TERMINAL = 1;
  static final int INPUT = 2;
  static final int ONE_OUTPUT = 4;
  private static final String PATH = "PATH=/usr/local/bin:/usr/bin:/bin";

  static Command of(String... arguments) {
    List<byte[]> bytes = Stream.of(arguments).map(AgentProcess::text).toList();
    return new Command(0, 24, 80, "", "", bytes, List.of(PATH));
  }

  static Command shell(String script) {
    return of("sh", "-c", script);
  }

  Command with(int newFlags) {
    return new Command(newFlags, rows, columns, user, directory, arguments, environment);
  }

  Command size(int newRows, int newColumns) {
    return new Command(flags, newRows, newColumns, user, directory, arguments, environment);
  }

  Command as(String newUser) {
    return new Command(flags, rows, columns, newUser, directory, arguments, environment);
  }

  Command in(String newDirectory) {
    return new Command(flags, rows, columns, user, newDirectory, arguments, environment);
  }

  Command env(List<String> variables) {
    return new Command(flags, rows, columns, user, directory, arguments, variables);
  }

  List<byte[]> strings() {
    List<byte[]> all = new ArrayList<>();
    all.add(AgentProcess.text(user));
    all.add(AgentProcess.text(directory));
    all.addAll(arguments);
    environment.forEach(variable -> all.add(AgentProcess.text(variable)));
    return all;
  }
}
