// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.testing.RefusedCall;
import java.util.Arrays;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A host that refuses another ring, or to tell of its completions, after it has allowed one. */
@Timeout(300)
class RefusedRingEngineTest extends EngineFixture {
  @ParameterizedTest
  @ValueSource(ints = {RefusedCall.IO_URING_SETUP, RefusedCall.IO_URING_REGISTER})
  void threadsDoTheSame(int call) throws Exception {
    RefusedCall.run(
        call,
        Errno.EPERM,
        () -> {
          engine = new DiskEngines(DiskEngines.Kind.IO_URING).open(image, "test");
          engine.attach(wakeup);
          return engine;
        });
    assertEquals(DiskEngines.Kind.THREADS, engine.kind());
    makeCold();
    DiskRequest read = carryOut(read(3, 2, 0));
    assertNull(read.failure());
    engine.release(read);
    assertArrayEquals(Arrays.copyOfRange(model, 3 * BLOCK, 5 * BLOCK), memoryAt(0, 2));
    DiskRequest flush = engine.acquire();
    flush.flush();
    assertNull(carryOut(flush).failure());
    engine.release(flush);
  }
}
