// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GuestEnvironmentTest {
  private static final List<byte[]> HOST =
      List.of(
          bytes("A=1"),
          bytes("HOME=/home/me"),
          bytes("B=x=y"),
          bytes("LC_ALL=C.UTF-8"),
          bytes("BYTES=\u00ff\u00fe"),
          bytes("TMPDIR=/tmp/x"));

  private static byte[] bytes(String text) {
    return text.getBytes(ISO_8859_1);
  }

  private static List<String> texts(GuestEnvironment environment) {
    return environment.strings().stream().map(string -> new String(string, ISO_8859_1)).toList();
  }

  @Test
  void theHostsLessWhatMeansNothingThere() {
    assertEquals(
        List.of("A=1", "B=x=y", "LC_ALL=C.UTF-8", "BYTES=\u00ff\u00fe"),
        texts(GuestEnvironment.ofHost(HOST, Optional.empty())));
  }

  @Test
  void theLocaleIsTheUsers() {
    assertEquals(
        List.of("A=1", "B=x=y", "BYTES=\u00ff\u00fe"),
        texts(GuestEnvironment.ofHost(HOST, Optional.of(""))));
    assertEquals(
        List.of("A=1", "B=x=y", "BYTES=\u00ff\u00fe", "LC_ALL=C"),
        texts(GuestEnvironment.ofHost(HOST, Optional.of("C"))));
  }

  @Test
  void variablesOfTheUsersOwn() {
    GuestEnvironment environment = GuestEnvironment.empty();
    environment.with("N=1", HOST).with("HOME", HOST).with("ABSENT", HOST).with("N=2=3", HOST);
    assertEquals(List.of("N=2=3", "HOME=/home/me"), texts(environment));
    assertThrows(IllegalArgumentException.class, () -> environment.with("=x", HOST));
    assertThrows(IllegalArgumentException.class, () -> environment.with("", HOST));
  }
}
