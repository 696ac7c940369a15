// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.machine.initramfs.CommandFinder.Kind;
import io.jkvm.machine.initramfs.CommandFinder.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandFinderTest {
  @TempDir Path dir;

  @BeforeEach
  void files() throws IOException {
    Files.createDirectories(dir.resolve("one/folder"));
    Files.createDirectories(dir.resolve("two"));
    file("one/plain", "rw-r--r--");
    file("two/plain", "rwxr-xr-x");
    file("one/dull", "rw-r--r--");
    file("one/mode000", "---------");
    file("here", "rwxr-xr-x");
    Files.createSymbolicLink(dir.resolve("link"), Path.of("two"));
    Files.createSymbolicLink(dir.resolve("dangling"), Path.of("none"));
    Files.createSymbolicLink(dir.resolve("circle"), Path.of("circle"));
  }

  private void file(String name, String mode) throws IOException {
    Files.setPosixFilePermissions(
        Files.createFile(dir.resolve(name)), PosixFilePermissions.fromString(mode));
  }

  private Result find(String command, String path) {
    return new CommandFinder(dir, path).find(command);
  }

  private void check(Kind kind, String command) {
    assertEquals(kind, find(command, dir + "/one:" + dir + "/two").kind(), command);
  }

  @Test
  void aWordWithASlashIsAPath() {
    check(Kind.FOUND, "./here");
    check(Kind.FOUND, "two/plain");
    check(Kind.FOUND, "two/../link/plain");
    check(Kind.FOUND, dir + "/two/plain");
    check(Kind.NOT_FOUND, "./none");
    check(Kind.NOT_FOUND, "none/");
    check(Kind.NOT_FOUND, "./dangling");
    check(Kind.NOT_FOUND, "here/x");
    check(Kind.NOT_FOUND, "here/");
    check(Kind.NOT_FOUND, "./x\0y");
    check(Kind.NOT_EXECUTABLE, "one/dull");
    check(Kind.NOT_EXECUTABLE, "one/mode000");
    check(Kind.NOT_EXECUTABLE, "/etc");
    check(Kind.NOT_EXECUTABLE, "/dev/null");
    check(Kind.NOT_EXECUTABLE, "./circle");
    check(Kind.NOT_EXECUTABLE, "./" + "x".repeat(300));
  }

  @Test
  void otherWordsAreLookedForAlongThePath() {
    assertEquals(Optional.of(dir.resolve("two/plain")), find("plain", "one:/none::two").host());
    check(Kind.NOT_FOUND, "here");
    check(Kind.FOUND, "plain");
    check(Kind.NOT_EXECUTABLE, "dull");
    check(Kind.NOT_EXECUTABLE, "folder");
    check(Kind.NOT_FOUND, "none");
    check(Kind.NOT_FOUND, "");
    assertEquals(Kind.FOUND, find("here", "").kind());
    assertEquals(Kind.FOUND, find("here", "/none:").kind());
  }

  @Test
  void theGuestsPathIsTheHosts() {
    Result found = find("link/plain", "");
    assertEquals(dir + "/link/plain", found.guest().orElseThrow().toString());
    assertEquals("is a directory", find("/etc", "").reason());
    assertEquals("is not executable", find("one/dull", "").reason());
    assertEquals(Optional.empty(), find("none", "").guest());
  }
}
