// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Mapping;
import io.jkvm.core.testing.FaultyMedium;
import io.jkvm.core.testing.FuseFile;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import java.nio.file.Path;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A write that was to be a copy and is not, since the host makes it wait. */
@Timeout(300)
class SlowWriteTest {
  private static final int BYTES = 1 << 20;
  private static final int BLOCK = 4096;

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"IO_URING", "THREADS"})
  void readsThatCameBeforeItAreUnderWay(Kind kind) throws Exception {
    FaultyMedium medium = new FaultyMedium(BYTES);
    try (FuseFile file = new FuseFile(folder.resolve("disk.img"), medium, 4);
        EventFd wakeup = new EventFd();
        Mapping memory = Mapping.anonymous(2 * BLOCK);
        RawImage image = RawImage.open(file.path(), false);
        DiskEngine engine = new DiskEngines(kind).open(image, "test")) {
      engine.attach(wakeup);
      medium.holdWritesUntilARead();
      DiskRequest read = engine.acquire();
      read.read(BYTES / 2);
      read.data().add(memory.address(), BLOCK);
      assertFalse(engine.submit(read));
      DiskRequest write = engine.acquire();
      write.write(0);
      write.data().add(memory.address() + BLOCK, BLOCK);
      assertTrue(engine.submit(write), "not by this thread");
      assertNull(write.failure());
      engine.release(write);
      engine.start();
      while (engine.complete() != read) {
        if (!engine.mayNotSleep()) {
          assertTrue(wakeup.await(120_000), "not woken");
        }
        engine.awake();
      }
      assertNull(read.failure());
      assertEquals(FaultyMedium.at(BYTES / 2), memory.buffer(0, BLOCK).get(0));
      engine.release(read);
      engine.detach();
    }
  }
}
