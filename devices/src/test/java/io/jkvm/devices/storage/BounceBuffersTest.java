// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.NativeMemory;
import io.jkvm.devices.virtio.testing.MmioDriver;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class BounceBuffersTest {
  @Test
  void areAsManyAsThereMayBeAndThenOneWaits() throws Exception {
    BounceBuffers buffers = new BounceBuffers(new DirectAlignment(8192, 512));
    Set<NativeMemory> taken = new HashSet<>();
    for (int i = 0; i < BounceBuffers.MOST; i++) {
      NativeMemory buffer = buffers.take();
      assertEquals(0, buffer.address() % 8192);
      assertEquals(BounceBuffers.BYTES, buffer.buffer().capacity());
      assertTrue(taken.add(buffer), "one that is taken");
    }
    NativeMemory[] late = new NativeMemory[1];
    Thread other = new Thread(() -> late[0] = buffers.take());
    other.start();
    assertTrue(MmioDriver.await(() -> other.getState() == Thread.State.WAITING));
    other.interrupt(); // a transfer goes on all the same
    NativeMemory first = taken.iterator().next();
    buffers.give(first);
    other.join();
    assertSame(first, late[0]);
  }

  @Test
  void areUsedAgain() {
    BounceBuffers buffers = new BounceBuffers(DirectAlignment.ANY);
    NativeMemory first = buffers.take();
    for (int i = 0; i < 100; i++) {
      buffers.give(first);
      assertSame(first, buffers.take());
    }
  }
}
