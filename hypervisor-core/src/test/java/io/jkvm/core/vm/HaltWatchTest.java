// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class HaltWatchTest {
  /** Without beats the guest would be told of a stop every other second, and report no lockup. */
  @Test
  @Timeout(300)
  void beatsOnWhereKvmCanNotTell() throws Exception {
    CountDownLatch looked = new CountDownLatch(1);
    HaltWatch.Look look =
        () -> {
          looked.countDown();
          throw new LinuxException("KVM_GET_MP_STATE", Errno.EINVAL);
        };
    Heartbeat heartbeat = new Heartbeat(System.nanoTime());
    HaltWatch watch = new HaltWatch("test", List.of(), look, new StopLatch(), heartbeat);
    watch.start();
    try {
      looked.await();
      Heartbeat.Listener listener = heartbeat.listener();
      long before = System.nanoTime() - 10 * Heartbeat.LATE_NANOSECONDS;
      heartbeat.begin(before); // so that the next beat counts as a late one
      while (!listener.missed(before)) {
        Thread.sleep(10);
      }
    } finally {
      watch.end(60_000);
    }
  }
}
