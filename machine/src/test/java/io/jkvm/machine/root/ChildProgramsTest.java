// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs of this host, and some that are built here. */
class ChildProgramsTest {
  @TempDir Path dir;

  private Path built(String source, String... options) throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/cc")), "there is no compiler");
    Path code = Files.writeString(dir.resolve("program.c"), source);
    Path program = dir.resolve("program");
    List<String> command = new ArrayList<>(List.of("cc", "-o", program.toString()));
    command.add(code.toString());
    command.addAll(List.of(options));
    assertEquals(0, new ProcessBuilder(command).inheritIO().start().waitFor());
    return program;
  }

  private static boolean mayStart(Path program) {
    return ChildPrograms.mayBeStartedBy(program, "");
  }

  @Test
  void shellsAndScriptsMay() throws Exception {
    assertTrue(mayStart(Path.of("/bin/sh")));
    Path script = Files.writeString(dir.resolve("script"), "#!/bin/true\n");
    assertTrue(mayStart(script));
    assertTrue(mayStart(dir.resolve("absent")), "not known");
  }

  @Test
  void aProgramThatCallsNothingOfTheKindCanNot() throws Exception {
    String source = "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n";
    assertFalse(mayStart(built(source)));
    assertTrue(mayStart(built(source, "-static")), "it could in any way");
  }

  @Test
  void oneCallIsEnough() throws Exception {
    for (String call : new String[] {"system(\"ls\")", "syscall(59, 0, 0, 0)", "execv(0, 0)"}) {
      String source =
          "#include <stdlib.h>\n#include <unistd.h>\nint main(void) { return " + call + "; }\n";
      assertTrue(mayStart(built(source, "-D_GNU_SOURCE")), call);
    }
  }
}
