// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.spec.PublishedPort;
import io.jkvm.machine.spec.PublishedPort.Protocol;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PublishOptionTest {
  @ParameterizedTest
  @CsvSource({
    "8080:80, TCP, 127.0.0.1, 8080, 80",
    "127.0.0.1:8080:80, TCP, 127.0.0.1, 8080, 80",
    "0.0.0.0:1:65535/udp, UDP, 0.0.0.0, 1, 65535",
    "[::1]:53:5353/udp, UDP, ::1, 53, 5353",
    "[::]:8080:80/tcp, TCP, ::, 8080, 80",
  })
  void reads(String text, Protocol protocol, String address, int hostPort, int guestPort) {
    assertEquals(
        new PublishedPort(protocol, address, hostPort, guestPort), PublishOption.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "80",
        "-1:80",
        "80:80/sctp",
        "80:80/",
        "80:80/TCP",
        "[::1]80:80",
        "127.0.0.1:80:80:80",
        "80:80 ",
        "80:80,81:81",
        "127.0.0.1/80:80"
      })
  void whatIsWrittenOtherwiseIsToldTheSyntaxOfTheHelp(String text) {
    String message = refusal(text);
    assertTrue(message.contains("'" + text + "' is not " + PublishOption.SYNTAX), message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ":80:80",
        "0:80",
        "80:0",
        "65536:1",
        "1:65536",
        "99999999999:1",
        "::1:80:80",
        "[127.0.0.1]:80:80",
        "[]:80:80",
        "[::1%lo]:80:80",
        "127.0.0:80:80",
        "127.0.0.256:80:80",
        "localhost:80:80",
        "all:80:80",
        "~1:80:80"
      })
  void refuses(String text) {
    refusal(text);
  }

  private static String refusal(String text) {
    String message =
        assertThrows(RuntimeException.class, () -> PublishOption.parse(text)).getMessage();
    assertFalse(message.contains("\n"), message);
    return message;
  }
}
