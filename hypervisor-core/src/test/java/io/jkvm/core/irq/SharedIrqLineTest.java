// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.irq;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SharedIrqLineTest {
  @Test
  void assertedWhileAnyoneAssertsIt() {
    List<Boolean> levels = new ArrayList<>();
    SharedIrqLine shared = new SharedIrqLine(levels::add);
    IrqLine a = shared.newInput();
    IrqLine b = shared.newInput();
    a.setLevel(false);
    assertEquals(List.of(), levels);
    a.setLevel(true);
    a.setLevel(true);
    b.setLevel(true);
    a.setLevel(false);
    a.setLevel(false);
    assertEquals(List.of(true), levels);
    b.setLevel(false);
    b.setLevel(true);
    assertEquals(List.of(true, false, true), levels);
  }
}
