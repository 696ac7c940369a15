// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnonymousFileTest {
  private static final byte[] CONTENT = "content".getBytes(StandardCharsets.US_ASCII);

  @TempDir Path folder;

  private long names() throws IOException {
    try (Stream<Path> names = Files.list(folder)) {
      return names.count();
    }
  }

  private long openFilesOfFolder() throws IOException {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors.filter(this::leadsToFolder).count();
    }
  }

  private boolean leadsToFolder(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).startsWith(folder.toRealPath());
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void hasNoNameAndIsForItsUserAlone() throws Exception {
    try (AnonymousFile file =
        AnonymousFile.in(
            folder,
            out -> {
              assertEquals(0, names(), "before there is anything in it");
              out.write(CONTENT);
            })) {
      Path path = file.path();
      assertEquals("content", Files.readString(path));
      assertEquals(0, Files.getAttribute(path, "unix:nlink"));
      assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
    }
    assertEquals(0, openFilesOfFolder());
  }

  @Test
  void nothingIsLeftOfOneThatCanNotBeFilled() throws Exception {
    assertThrows(
        IOException.class,
        () ->
            AnonymousFile.in(
                folder,
                out -> {
                  throw new IOException("unreadable");
                }));
    assertThrows(
        OutOfMemoryError.class,
        () ->
            AnonymousFile.in(
                folder,
                out -> {
                  throw new OutOfMemoryError("heap");
                }));
    assertEquals(0, names());
    assertEquals(0, openFilesOfFolder());
  }
}
