// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Credentials;
import io.jkvm.devices.network.stream.StreamConnection;
import io.jkvm.devices.network.stream.TestCard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What comes of a passt that is missing or misbehaves: small scripts in its place. */
@Timeout(300)
class PasstFailureTest {
  @TempDir Path directory;

  private String message(String script) throws Exception {
    return message(script, Path.of(System.getProperty("java.io.tmpdir")));
  }

  private String message(String script, Path temporary) throws Exception {
    if (script != null) {
      Path passt = directory.resolve("passt");
      Files.writeString(passt, "#!/bin/sh\n" + script + "\n");
      Files.setPosixFilePermissions(passt, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
    LeftoverPasst leftovers = new LeftoverPasst();
    try (PasstBackend backend =
        new PasstBackend(
            "user", List.of(), OptionalInt.empty(), true, directory.toString(), temporary)) {
      String message =
          assertThrows(IOException.class, () -> backend.start(new TestCard())).getMessage();
      assertFalse(message.contains("\n"), message);
      leftovers.assertNothing();
      return message;
    }
  }

  @Test
  void notInstalled() throws Exception {
    String message = message(null);
    assertTrue(message.contains("apt-get install passt"), message);
  }

  @Test
  void endsAtOnce() throws Exception {
    assertEquals(
        "passt ended with status 3: no such thing as a network",
        message("echo first >&2; echo no such thing as a network >&2; exit 3"));
    assertEquals("passt ended with status 0 and did not say why", message("exit 0"));
  }

  /** As passt of 2023 does: it says that its socket is there, takes no client and ends well. */
  @Test
  void cannotMakeItsSocketAsNobody() throws Exception {
    assumeTrue(Credentials.effectiveUserId() == 0, "only root's passt becomes another user");
    Path closed = Files.createDirectory(directory.resolve("closed"));
    Path temporary = Files.createDirectory(closed.resolve("temporary"));
    open(directory, temporary);
    String script = "echo 'UNIX domain socket bound at x' >&2; exit 0";
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
    assertEquals(
        "passt ended with status 0 and did not say why; user nobody, as which root's passt runs,"
            + " may not enter "
            + closed,
        message(script, temporary));
    open(closed);
    assertEquals("passt ended with status 0 and did not say why", message(script, temporary));
    try (Stream<Path> left = Files.list(temporary)) {
      assertEquals(0, left.count());
    }
  }

  private static void open(Path... directories) throws IOException {
    for (Path each : directories) {
      Files.setPosixFilePermissions(each, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }

  @Test
  void hasNoPlaceForItsSocket() throws Exception {
    Path absent = directory.resolve("absent");
    assertEquals(
        "cannot make a directory for passt's socket in " + absent + ": it does not exist",
        message("exit 0", absent));
    Path file = Files.createFile(directory.resolve("file"));
    String message = message("exit 0", file);
    assertTrue(message.endsWith(" in " + file + ": Not a directory"), message);
    // A file system that takes no new directory, not even from root.
    message = message("exit 0", Path.of("/proc"));
    assertTrue(message.matches(".* in /proc: (it does not exist|permission denied)"), message);
  }

  @Test
  void saysTooMuch() throws Exception {
    String message =
        message(
            "head -c 3000000 /dev/zero | tr '\\0' x >&2; printf '\\n\\033[2Jend\\n' >&2; exit 1");
    assertEquals("passt ended with status 1: ?[2Jend", message);
    message = message("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1");
    assertTrue(message.length() < 400, message);
  }

  @Test
  void doesNotKnowAnOption() throws Exception {
    assertEquals(
        "passt ended with status 1: passt: unrecognized option '--one-off'",
        message(
            "echo \"passt: unrecognized option '--one-off'\" >&2;"
                + "echo 'Usage: passt [OPTION]...' >&2; echo '    SPEC can be:' >&2; exit 1"));
  }

  @Test
  void isKilled() throws Exception {
    assertEquals("passt was killed by signal 9 and did not say why", message("kill -9 $$"));
  }

  @Test
  void isNoProgram() throws Exception {
    String message = message("");
    assertTrue(message.contains("status 0"), message);
    Files.writeString(directory.resolve("passt"), "\0\0\0");
    String garbage = message(null);
    assertTrue(garbage.contains("passt"), garbage);
  }

  @Test
  void startedAgainMoreAndMoreSlowly() {
    int[] pauses = {1000, 2000, 4000, 8000, 16_000, 30_000, 30_000};
    for (int i = 0; i < pauses.length; i++) {
      assertEquals(pauses[i], StreamConnection.pauseMilliseconds(i, 30_000));
      assertEquals(1000, StreamConnection.pauseMilliseconds(i, 1000));
    }
    assertEquals(30_000, StreamConnection.pauseMilliseconds(Integer.MAX_VALUE, 30_000));
  }

  @Test
  void defaultRoutes() {
    String head =
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT";
    String route = "eth0\t%s\t010200C0\t%s\t0\t0\t0\t%s\t0\t0\t0   ";
    assertTrue(
        DefaultRoute.isIn(List.of(head, String.format(route, "00000000", "0003", "00000000"))));
    assertFalse(
        DefaultRoute.isIn(List.of(head, String.format(route, "000200C0", "0001", "00FFFFFF"))));
    assertFalse(
        DefaultRoute.isIn(List.of(head, String.format(route, "00000000", "0002", "00000000"))));
    assertFalse(DefaultRoute.isIn(List.of(head, "", "garbage")));
    assertFalse(DefaultRoute.isIn(List.of()));
  }
}
