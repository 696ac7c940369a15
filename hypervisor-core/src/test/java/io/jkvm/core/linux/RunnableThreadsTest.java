// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunnableThreadsTest {
  @TempDir Path folder;

  @Test
  void theCallerRuns() {
    assertTrue(new RunnableThreads().count() >= 1);
  }

  @Test
  void theFourthFieldIsTheNumber() throws Exception {
    assertEquals(17, count("0.20 0.18 0.12 17/80 11206\n"));
    assertEquals(3, count("123456.20 0.18 0.12 3/80 11206\n"));
    assertEquals(0, count("0.20 0.18"));
    assertEquals(0, count(""));
    assertEquals(0, new RunnableThreads(folder.resolve("missing").toString()).count());
  }

  private int count(String text) throws Exception {
    Path file = Files.writeString(folder.resolve("loadavg"), text);
    return new RunnableThreads(file.toString()).count();
  }
}
