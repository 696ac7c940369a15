// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.ThreadPrivileges;
import io.jkvm.machine.initramfs.CommandFinder.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user without privileges may not read. */
class UnreadableFilesTest {
  @TempDir Path dir;

  @BeforeEach
  void files() throws IOException {
    Files.createDirectories(dir.resolve("r/closed/below"));
    Files.writeString(dir.resolve("r/closed/prog"), "x");
    Files.writeString(dir.resolve("r/open"), "x");
    Files.writeString(dir.resolve("r/secret"), "x");
    chmod("r/secret", "--x--x--x");
    chmod("r/closed/prog", "rwxr-xr-x");
    chmod("r/closed", "---------");
  }

  private void chmod(String file, String mode) throws IOException {
    Files.setPosixFilePermissions(dir.resolve(file), PosixFilePermissions.fromString(mode));
  }

  /** The capabilities are gone for this thread alone. */
  private <T> T unprivileged(Callable<T> work) throws Exception {
    FutureTask<T> task =
        new FutureTask<>(
            () -> {
              ThreadPrivileges.dropCapabilities();
              return work.call();
            });
    Thread thread = new Thread(task);
    thread.start();
    try {
      return task.get();
    } finally {
      thread.join();
      chmod("r/closed", "rwx------");
    }
  }

  @Test
  void aDirectoryIsPackedWithoutThemAndEachIsNamed() throws Exception {
    InitramfsBuilder builder = new InitramfsBuilder();
    Archive archive = unprivileged(() -> Archive.of(builder.packDirectory(dir.resolve("r"))));
    assertEquals(List.of(".", "closed", "open"), archive.names());
    assertEquals("40000", archive.mode("closed"));
    assertEquals(
        List.of(
            dir + "/r/closed can't be read (permission denied): it was left empty",
            dir + "/r/secret was left out: permission denied"),
        builder.notes());
  }

  @Test
  void oneThatIsNamedIsAnError() throws Exception {
    InitramfsBuilder builder = new InitramfsBuilder();
    for (String name : List.of("r/secret", "r/closed/prog")) {
      IOException e =
          unprivileged(
              () ->
                  assertThrows(IOException.class, () -> builder.include(dir.resolve(name)), name));
      chmod("r/closed", "---------");
      assertEquals(dir + "/" + name + " can't be read (permission denied)", e.getMessage());
    }
  }

  @Test
  void aCommandBehindAClosedDirectory() throws Exception {
    CommandFinder finder = new CommandFinder(dir, dir + "/r/closed:" + dir + "/none");
    List<Kind> kinds =
        unprivileged(
            () ->
                List.of(
                    finder.find("r/closed/prog").kind(),
                    finder.find("prog").kind(),
                    finder.find("r/secret").kind()));
    assertEquals(List.of(Kind.NOT_EXECUTABLE, Kind.NOT_EXECUTABLE, Kind.FOUND), kinds);
  }

  @Test
  void aLibraryOfWhichNothingCanBeSeenIsMissing() throws Exception {
    new TinyElf().interpreter("/r").needs("libx.so").write(dir.resolve("p"));
    InitramfsBuilder builder = new InitramfsBuilder("", dir + "/r/closed");
    unprivileged(() -> builder.include(dir.resolve("p")));
    assertTrue(
        builder.notes().contains("libx.so, which " + dir + "/p needs, was not found"),
        builder.notes().toString());
  }
}
