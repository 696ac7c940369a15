// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class SizeProbeTest {
  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch answer = new CountDownLatch(1);

  private long waitForAnswer() {
    asked.countDown();
    try {
      answer.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return 4096;
  }

  @Test
  void afterTheEndNobodyLooks() {
    SizeProbe probe = new SizeProbe(() -> 512);
    assertEquals(OptionalLong.of(512), probe.look());
    assertTrue(probe.end(0));
    assertEquals(OptionalLong.empty(), probe.look());
    assertTrue(probe.end(0));
  }

  @Test
  void aFileIsNotClosedUnderALook() throws Exception {
    SizeProbe probe = new SizeProbe(this::waitForAnswer);
    FutureTask<OptionalLong> looking = new FutureTask<>(probe::look);
    new Thread(looking).start();
    asked.await();
    assertFalse(probe.end(0));
    assertFalse(probe.end(10));
    assertEquals(OptionalLong.empty(), probe.look());
    FutureTask<Boolean> ended = new FutureTask<>(() -> probe.end(Long.MAX_VALUE));
    Thread ending = new Thread(ended);
    ending.start();
    ending.interrupt();
    answer.countDown();
    assertTrue(ended.get());
    assertEquals(OptionalLong.of(4096), looking.get());
    assertTrue(probe.end(0));
  }

  @Test
  void aLookThatThrowsIsOver() {
    SizeProbe probe =
        new SizeProbe(
            () -> {
              throw new IllegalStateException("file descriptor is closed");
            });
    try {
      probe.look();
    } catch (IllegalStateException e) {
      assertTrue(probe.end(0));
      return;
    }
    throw new AssertionError("nothing was thrown");
  }
}
