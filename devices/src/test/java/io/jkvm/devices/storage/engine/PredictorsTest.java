// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PredictorsTest {
  @Test
  void aFewMissesInARowAndManyHitsChangeTheExpectation() {
    HitPredictor reads = new HitPredictor();
    assertTrue(reads.expectsHit());
    for (int i = 0; i < 10; i++) {
      reads.missed();
      reads.hit();
    }
    assertTrue(reads.expectsHit(), "every second one is a hit");
    reads.missed();
    reads.missed();
    assertFalse(reads.expectsHit());
    for (int i = 0; i < 7; i++) {
      reads.hit();
    }
    reads.missed();
    assertFalse(reads.expectsHit());
    for (int i = 0; i < 8; i++) {
      assertFalse(reads.expectsHit());
      reads.hit();
    }
    assertTrue(reads.expectsHit());
  }

  @Test
  void oneOfSeveralIsATrial() {
    HitPredictor reads = new HitPredictor();
    reads.missed();
    reads.missed();
    int trials = 0;
    for (int i = 0; i < 80; i++) {
      trials += reads.trialDue() ? 1 : 0;
    }
    assertEquals(10, trials);
    reads.trialHit();
    reads.trialHit();
    assertTrue(reads.expectsHit());
  }

  @Test
  void afterASlowWriteSomeAreNotQuick() {
    WritePredictor writes = new WritePredictor();
    writes.took(900_000, 4096);
    assertTrue(writes.expectsQuick());
    writes.took(1_900_000, 1 << 20);
    assertTrue(writes.expectsQuick(), "a large one takes its time");
    writes.took(5_000_000, 4096);
    for (int i = 0; i < 32; i++) {
      assertFalse(writes.expectsQuick());
    }
    assertTrue(writes.expectsQuick());
  }
}
