// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScriptTest {
  @TempDir Path dir;

  private Optional<Script> read(String text) throws IOException {
    return Script.read(Files.write(dir.resolve("s"), text.getBytes(StandardCharsets.ISO_8859_1)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "#!/bin/sh                              | /bin/sh      |         |",
        "#! /bin/sh -e x                        | /bin/sh      | -e x    |",
        "#!/usr/bin/env python3                 | /usr/bin/env | python3 | python3",
        "#!/usr/bin/env -S A=b -i perl -w       | /usr/bin/env | -S A=b -i perl -w | perl",
        "#!/usr/bin/env -Sperl -w               | /usr/bin/env | -Sperl -w | perl",
        "#!/usr/bin/env --split-string=perl -w  | /usr/bin/env | --split-string=perl -w | perl",
        "#!/bin/environment x                   | /bin/environment | x |",
        "#!/usr/bin/env                         | /usr/bin/env |         |",
      })
  void firstLines(String line, String interpreter, String argument, String command)
      throws IOException {
    for (String end : new String[] {"", "\n", " \t\necho", "\0x"}) {
      Script script = read(line + end).orElseThrow();
      assertEquals(interpreter, script.interpreter());
      assertEquals(Optional.ofNullable(argument), script.argument());
      assertEquals(Optional.ofNullable(command), script.commandOfEnv());
    }
  }

  @Test
  void theKernelSeesACarriageReturn() throws IOException {
    assertEquals("/bin/sh\r", read("#!/bin/sh\r\n").orElseThrow().interpreter());
  }

  @Test
  void otherFilesAreNoScripts() throws IOException {
    for (String text : new String[] {"", "#", "#!", "#! \t\nx", " #!/bin/sh", "\u007fELF"}) {
      assertEquals(Optional.empty(), read(text), text);
    }
  }
}
