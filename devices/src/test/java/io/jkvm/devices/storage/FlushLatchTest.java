// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FlushLatchTest {
  @Test
  void aFailedFlushStaysFailedThoughTheHostHasForgottenIt() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    FlushLatch latch =
        new FlushLatch("disk d: fdatasync", () -> calls.incrementAndGet() == 2 ? -Errno.ENOSPC : 0);
    latch.flush();
    LinuxException first = assertThrows(LinuxException.class, latch::flush);
    assertEquals(Errno.ENOSPC, first.errno());
    for (int i = 0; i < 3; i++) {
      LinuxException later = assertThrows(LinuxException.class, latch::flush);
      assertEquals(Errno.ENOSPC, later.errno());
      assertTrue(later.getMessage().contains("failed before, data may be lost"));
    }
    assertEquals(2, calls.get());
  }
}
