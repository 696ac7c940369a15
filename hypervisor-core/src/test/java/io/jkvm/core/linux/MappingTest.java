// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MappingTest {
  private static final long BYTES = 64L << 20;

  @Test
  void guestMemoryHasAPageOnBothSidesThatNothingCanTouch() throws Exception {
    try (Mapping memory = Mapping.anonymousHuge(BYTES)) {
      assertEquals("---p", permissionsAt(memory.address() - 1));
      assertEquals("rw-p", permissionsAt(memory.address()));
      assertEquals("rw-p", permissionsAt(memory.address() + BYTES - 1));
      assertEquals("---p", permissionsAt(memory.address() + BYTES));
    }
  }

  /** As /proc/self/maps has them; neighbours of the same kind are one line there. */
  private static String permissionsAt(long address) throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
      String[] words = line.split("[- ]", 3);
      if (Long.parseUnsignedLong(words[0], 16) <= address
          && address < Long.parseUnsignedLong(words[1], 16)) {
        return words[2].substring(0, 4);
      }
    }
    return "not mapped";
  }

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
