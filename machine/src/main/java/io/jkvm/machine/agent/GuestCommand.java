// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A command to be run in the guest: made by {@link #of}, changed by the other methods, each of
 * which returns a new one. Texts are UTF-8; those who have other bytes give bytes.
 */
public final class GuestCommand {
  /** A terminal's size. */
  public record Size(int rows, int columns) {
    private static final int MAX = 0xffff;

    /** Checks the numbers, 0 to 65535 each. */
    public Size {
      if (rows < 0 || rows > MAX || columns < 0 || columns > MAX) {
        throw new IllegalArgumentException(rows + " rows, " + columns + " columns");
      }
    }
  }

  private final List<byte[]> arguments;
  private final List<byte[]> environment;
  private final String user;
  private final byte[] directory;
  private final Optional<Size> terminal;
  private final boolean input;
  private final boolean mergedError;

  private GuestCommand(
      List<byte[]> arguments,
      List<byte[]> environment,
      String user,
      byte[] directory,
      Optional<Size> terminal,
      boolean input,
      boolean mergedError) {
    this.arguments = arguments;
    this.environment = environment;
    this.user = user;
    this.directory = directory;
    this.terminal = terminal;
    this.input = input;
    this.mergedError = mergedError;
  }

  /** A command with its arguments, run by root in {@code /} with an empty environment. */
  public static GuestCommand of(String... arguments) {
    return ofBytes(bytes(List.of(arguments)));
  }

  /** The same with arguments of any bytes but NUL; at least one. */
  public static GuestCommand ofBytes(List<byte[]> arguments) {
    if (arguments.isEmpty()) {
      throw new IllegalArgumentException("a command without a name");
    }
    return new GuestCommand(
        checked(arguments), List.of(), "", new byte[0], Optional.empty(), true, false);
  }

  private static List<byte[]> bytes(List<String> texts) {
    return texts.stream().map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
  }

  private static List<byte[]> checked(List<byte[]> strings) {
    List<byte[]> copies = new ArrayList<>();
    for (byte[] string : strings) {
      for (byte b : string) {
        if (b == 0) {
          throw new IllegalArgumentException("a NUL in an argument or the environment");
        }
      }
      copies.add(string.clone());
    }
    return List.copyOf(copies);
  }

  /** With this environment, and nothing else in it. */
  public GuestCommand environment(Map<String, String> variables) {
    List<String> strings = new ArrayList<>();
    variables.forEach((name, value) -> strings.add(name + "=" + value));
    return environmentBytes(bytes(strings));
  }

  /** With these strings, {@code NAME=VALUE} as a rule, as its environment. */
  public GuestCommand environmentBytes(List<byte[]> strings) {
    return new GuestCommand(
        arguments, checked(strings), user, directory, terminal, input, mergedError);
  }

  /** Run by a user of the guest: a name or a number, perhaps with {@code :GROUP}. */
  public GuestCommand user(String name) {
    checked(bytes(List.of(name)));
    return new GuestCommand(arguments, environment, name, directory, terminal, input, mergedError);
  }

  /** Run in a directory of the guest's. */
  public GuestCommand directory(String path) {
    byte[] bytes = checked(bytes(List.of(path))).get(0);
    return new GuestCommand(arguments, environment, user, bytes, terminal, input, mergedError);
  }

  /** With a terminal of its own in place of pipes; standard error comes with standard output. */
  public GuestCommand terminal(Size size) {
    return new GuestCommand(
        arguments,
        environment,
        user,
        directory,
        Optional.of(Objects.requireNonNull(size)),
        input,
        mergedError);
  }

  /** With nothing to read: standard input is at its end from the beginning. */
  public GuestCommand withoutInput() {
    return new GuestCommand(arguments, environment, user, directory, terminal, false, mergedError);
  }

  /** With standard error in the same pipe as standard output. */
  public GuestCommand mergedError() {
    return new GuestCommand(arguments, environment, user, directory, terminal, input, true);
  }

  List<byte[]> arguments() {
    return arguments;
  }

  List<byte[]> environmentStrings() {
    return environment;
  }

  /** User, directory, arguments, environment: in the order of the protocol. */
  List<byte[]> strings() {
    List<byte[]> all = new ArrayList<>();
    all.add(user.getBytes(StandardCharsets.UTF_8));
    all.add(directory);
    all.addAll(arguments);
    all.addAll(environment);
    return all;
  }

  Optional<Size> terminalSize() {
    return terminal;
  }

  boolean hasInput() {
    return input;
  }

  /** Whether standard error goes where standard output goes. */
  boolean hasOneOutput() {
    return mergedError || terminal.isPresent();
  }

  int flags() {
    return (terminal.isPresent() ? 1 : 0) | (input ? 2 : 0) | (mergedError ? 4 : 0);
  }

  @Override
  public String toString() {
    return new String(arguments.get(0), StandardCharsets.UTF_8);
  }
}
