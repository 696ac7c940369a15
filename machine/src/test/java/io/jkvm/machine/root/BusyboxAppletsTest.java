// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BusyboxAppletsTest {
  @TempDir Path dir;

  private Path script(String text) throws IOException {
    Path script = Files.writeString(dir.resolve("busybox"), "#!/bin/sh\n" + text);
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    return script;
  }

  @Test
  void aBusyboxTellsItsCommands() throws Exception {
    Path busybox = Path.of("/bin/busybox");
    assumeTrue(Files.isExecutable(busybox));
    List<String> applets = BusyboxApplets.of(busybox);
    assertTrue(applets.size() > 50, applets.toString());
    assertTrue(applets.stream().anyMatch(path -> path.endsWith("bin/sh")), applets.toString());
  }

  /** Where only /dev/shm can be written to, a file for the answer would be one too many. */
  @Test
  void noFileIsMadeForTheAnswer() throws Exception {
    // The shell's own output: for a command it may have another one for that time.
    Path busybox =
        script("o=$(readlink /proc/$$/fd/1)\necho $o >" + dir + "/output\necho bin/sh\n");
    assertEquals(List.of("bin/sh"), BusyboxApplets.of(busybox));
    String output = Files.readString(dir.resolve("output"));
    assertTrue(output.startsWith("pipe:"), output);
  }

  @Test
  void oneWithoutItsInstallerIsAskedAgain() throws Exception {
    Path busybox = script("[ $1 = --list ] || exit 1\necho sh; echo 'no applet'\n");
    assertEquals(List.of("bin/sh"), BusyboxApplets.of(busybox));
  }

  @Test
  void whatIsNoBusyboxIsAnError() throws Exception {
    IOException e = assertThrows(IOException.class, () -> BusyboxApplets.of(Path.of("/bin/false")));
    assertEquals("/bin/false did not list its commands", e.getMessage());
    Path text = Files.writeString(dir.resolve("text"), "x");
    e = assertThrows(IOException.class, () -> BusyboxApplets.of(text));
    assertEquals(text + " can't be run on this host", e.getMessage());
  }
}
