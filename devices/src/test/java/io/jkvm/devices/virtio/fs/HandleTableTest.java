// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.virtio.fs.HandleTable.Handle;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HandleTableTest {
  private final HandleTable<OpenFile> table = new HandleTable<>(100);

  private long add(StubFile file, long node) {
    assertTrue(table.reserve());
    return table.add(file, node);
  }

  /** Or a read would go on with a number that is another file's by then. */
  @Test
  void whatIsInUseIsClosedByItsLastUser() {
    StubFile file = new StubFile();
    final long number = add(file, 7);
    Handle<OpenFile> one = table.use(number, 7);
    Handle<OpenFile> two = table.use(number, 7);
    assertSame(file, one.opened());
    assertTrue(table.release(number, 7));
    assertNull(table.use(number, 7));
    assertFalse(table.release(number, 7));
    table.done(one);
    assertFalse(file.closed);
    table.done(two);
    assertTrue(file.closed);
    assertEquals(0, table.size());
  }

  @Test
  void numbersOfOthersAreNone() {
    StubFile file = new StubFile();
    final long number = add(file, 7);
    assertNull(table.use(number, 8));
    assertFalse(table.release(number, 8));
    assertNull(table.use(number + 1, 7));
    assertNull(table.use(number + (1L << 32), 7));
    assertNull(table.use(number | 0xffff_ffffL, 7));
    assertNull(table.use(-1, 7));
    assertFalse(file.closed);
  }

  @Test
  void aNumberIsNotSoonGivenAgain() {
    Set<Long> seen = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      final long number = add(new StubFile(), 1);
      assertTrue(seen.add(number));
      assertTrue(table.release(number, 1));
    }
  }

  @Test
  void placesAreBounded() {
    List<Long> numbers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      numbers.add(add(new StubFile(), i));
    }
    assertFalse(table.reserve());
    assertTrue(table.release(numbers.get(50), 50));
    assertTrue(table.reserve());
    assertFalse(table.reserve());
    table.cancel();
    final long number = add(new StubFile(), 5000);
    assertNotEquals(numbers.get(50), number);
    for (int i = 0; i < 100; i++) {
      assertEquals(i != 50, table.release(numbers.get(i), i));
    }
  }

  @Test
  void allAreReleasedAndFailuresAreTold() {
    List<StubFile> files = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      StubFile file =
          i != 3
              ? new StubFile()
              : new StubFile() {
                @Override
                public void close() {
                  super.close();
                  throw new IllegalStateException("full");
                }
              };
      files.add(file);
      add(file, i);
    }
    List<String> failures = new ArrayList<>();
    table.releaseAll(e -> failures.add(e.getMessage()));
    assertEquals(List.of("full"), failures);
    assertTrue(files.stream().allMatch(file -> file.closed));
    assertEquals(0, table.size());
  }
}
