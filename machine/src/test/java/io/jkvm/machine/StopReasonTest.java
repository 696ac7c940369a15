// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StopReasonTest {
  @ParameterizedTest
  @EnumSource(io.jkvm.core.lifecycle.StopReason.Kind.class)
  void everyEndBelowHasItsEndHere(io.jkvm.core.lifecycle.StopReason.Kind kind) {
    var below = new io.jkvm.core.lifecycle.StopReason(kind, "why");
    StopReason here = StopReason.of(below);
    assertEquals(below.toString(), here.toString());
    assertEquals(below.kind().outcome().name(), here.kind().outcome().name());
    assertEquals(below, here.toCore());
  }
}
