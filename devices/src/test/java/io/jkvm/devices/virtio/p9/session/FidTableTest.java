// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The table against a map that does the same. */
class FidTableTest {
  /** Numbers that lie together, apart, and all over. */
  @ParameterizedTest
  @ValueSource(ints = {1, 64, 1 << 16, 1 << 26, 0x12345679})
  void itIsAMap(int step) {
    FidTable table = new FidTable(1000);
    Map<Integer, Fid> map = new HashMap<>();
    Random random = new Random(step);
    for (int i = 0; i < 100_000; i++) {
      int number = (random.nextInt(2000) - 1000) * step;
      Fid there = map.get(number);
      assertSame(there, table.get(number));
      if (there != null) {
        table.remove(there);
        map.remove(number);
        assertNull(table.get(number));
      } else if (!table.isFull()) {
        Fid fid = new Fid(number, 0, null);
        table.add(fid);
        map.put(number, fid);
      }
      assertEquals(map.size(), table.size());
    }
    assertTrue(table.size() > 0);
    assertEquals(map.size(), table.all().length);
    for (Fid fid : table.all()) {
      assertSame(map.get(fid.number()), fid);
    }
    table.clear();
    assertEquals(0, table.size());
  }
}
