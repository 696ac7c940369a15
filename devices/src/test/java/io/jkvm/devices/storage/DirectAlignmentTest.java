// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.IoVector;
import org.junit.jupiter.api.Test;

class DirectAlignmentTest {
  private final DirectAlignment alignment = new DirectAlignment(4, 4096);

  @Test
  void roundsToBlocks() {
    assertEquals(0, alignment.down(4095));
    assertEquals(4096, alignment.down(4096));
    assertEquals(0, alignment.up(0));
    assertEquals(4096, alignment.up(1));
    assertEquals(1L << 50, alignment.up((1L << 50) - 4095));
  }

  @Test
  void admitsWhatIsAlignedInMemoryAndInTheFile() {
    IoVector data = new IoVector(2);
    data.add(0x1004, 4096);
    data.add(0x5008, 8192);
    assertTrue(alignment.admits(data, 8192));
    assertFalse(alignment.admits(data, 512), "the offset");
    data.advance(512);
    assertFalse(alignment.admits(data, 8192), "a length");
    data.clear();
    data.add(0x1002, 4096);
    assertFalse(alignment.admits(data, 8192), "an address");
  }

  @Test
  void bothOfTwoDemandsAreMet() {
    assertEquals(new DirectAlignment(512, 4096), alignment.and(new DirectAlignment(512, 512)));
    assertEquals(alignment, DirectAlignment.ANY.and(alignment));
  }

  @Test
  void onlySectorsAndLessNeedNoLock() {
    assertTrue(alignment.hasPartialWrites());
    assertTrue(new DirectAlignment(512, 1024).hasPartialWrites());
    assertFalse(new DirectAlignment(4096, 512).hasPartialWrites());
    assertFalse(DirectAlignment.ANY.hasPartialWrites());
  }

  @Test
  void supportsPowersOfTwoUpToABuffer() {
    assertTrue(alignment.isSupported());
    assertTrue(new DirectAlignment(65536, 65536).isSupported());
    for (int bad : new int[] {0, -1, 3, 131072, Integer.MIN_VALUE}) {
      assertFalse(new DirectAlignment(bad, 512).isSupported());
      assertFalse(new DirectAlignment(512, bad).isSupported());
    }
  }
}
