// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The environment of a command in the guest: the host's, less what means nothing there. */
public final class GuestEnvironment {
  /** What names things of the host that a guest does not have. */
  public static final Set<String> DROPPED =
      Set.of(
          "DBUS_SESSION_BUS_ADDRESS",
          "DISPLAY",
          "HOME",
          "JAVA_HOME",
          "JKVM_JAVA_OPTIONS",
          "LD_PRELOAD",
          "LOGNAME",
          "OLDPWD",
          "PWD",
          "SHELL",
          "SHLVL",
          "SSH_AUTH_SOCK",
          "SSH_CLIENT",
          "SSH_CONNECTION",
          "SSH_TTY",
          "TMPDIR",
          "USER",
          "WAYLAND_DISPLAY",
          "XAUTHORITY",
          "XDG_RUNTIME_DIR",
          "_");

  private static final String LOCALE = "LC_ALL";

  private final Map<String, byte[]> variables = new LinkedHashMap<>();

  private GuestEnvironment() {}

  /** Nothing. */
  public static GuestEnvironment empty() {
    return new GuestEnvironment();
  }

  /**
   * The host's, less {@link #DROPPED}.
   *
   * @param locale what LC_ALL was before jkvm's own start has changed it, if it has; empty for not
   *     set
   */
  public static GuestEnvironment ofHost(List<byte[]> host, Optional<String> locale) {
    GuestEnvironment environment = new GuestEnvironment();
    for (byte[] string : host) {
      String name = name(string);
      if (!DROPPED.contains(name)) {
        environment.variables.put(name, string);
      }
    }
    locale.ifPresent(
        before -> {
          environment.variables.remove(LOCALE);
          if (!before.isEmpty()) {
            environment.variables.put(
                LOCALE, (LOCALE + "=" + before).getBytes(StandardCharsets.UTF_8));
          }
        });
    return environment;
  }

  /**
   * Adds or replaces a variable.
   *
   * @param text {@code NAME=VALUE}, or {@code NAME} for the host's value, if it has one
   */
  public GuestEnvironment with(String text, List<byte[]> host) {
    if (text.startsWith("=") || text.isEmpty()) {
      throw new IllegalArgumentException("'" + text + "' has no name; write NAME=VALUE or NAME");
    }
    if (text.indexOf('=') > 0) {
      byte[] string = text.getBytes(StandardCharsets.UTF_8);
      variables.put(name(string), string);
    } else {
      variables.remove(text);
      host.stream()
          .filter(string -> name(string).equals(text))
          .forEach(string -> variables.put(text, string));
    }
    return this;
  }

  /** The value of a variable, if it is set. */
  public Optional<String> value(String name) {
    return Optional.ofNullable(variables.get(name))
        .map(string -> new String(string, StandardCharsets.UTF_8).substring(name.length() + 1));
  }

  /** As strings. */
  public List<byte[]> strings() {
    return new ArrayList<>(variables.values());
  }

  private static String name(byte[] string) {
    int end = 0;
    while (end < string.length && string[end] != '=') {
      end++;
    }
    return new String(Arrays.copyOf(string, end), StandardCharsets.ISO_8859_1);
  }
}
