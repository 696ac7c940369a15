// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class DescriptorLimitTest {
  @Test
  void theSoftLimitBecomesTheHardOne() throws Exception {
    assertEquals(asProcShowsIt(), DescriptorLimit.current());
    DescriptorLimit raised = DescriptorLimit.raise();
    assertEquals(raised.hard(), raised.soft());
    assertEquals(asProcShowsIt(), raised);
  }

  private static DescriptorLimit asProcShowsIt() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/limits"))) {
      if (line.startsWith("Max open files")) {
        String[] words = line.split(" +");
        return new DescriptorLimit(number(words[3]), number(words[4]));
      }
    }
    throw new AssertionError("no limit of open files");
  }

  private static long number(String text) {
    return text.equals("unlimited") ? -1 : Long.parseLong(text);
  }
}
