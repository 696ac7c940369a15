// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MappingTest {
  private static final long BYTES = 64L << 20;

  /** VmFlags of proc(5): "dc" is MADV_DONTFORK, "dd" MADV_DONTDUMP. */
  @Test
  void guestMemoryIsInNoCoreDumpAndInNoChild() throws Exception {
    try (Mapping memory = Mapping.anonymousHuge(BYTES)) {
      String range =
          Long.toHexString(memory.address()) + "-" + Long.toHexString(memory.address() + BYTES);
      List<String> smaps = Files.readAllLines(Path.of("/proc/self/smaps"));
      int at = 0;
      while (!smaps.get(at).startsWith(range)) {
        at++;
      }
      while (!smaps.get(at).startsWith("VmFlags:")) {
        at++;
      }
      List<String> flags = List.of(smaps.get(at).split("\\s+"));
      assertTrue(flags.contains("dc") && flags.contains("dd"), flags::toString);
    }
  }
}
