// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/** A disk that is opened while its last user still holds it, as one that was killed may. */
final class Openings {
  /** Half as long as an opening waits: what took longer here may fail by a busy host alone. */
  private static final long SOON_NANOSECONDS = 1_000_000_000;

  private Openings() {}

  /**
   * Opens it and has it wait for the first user, who then closes it.
   *
   * @param disk makes it, more than once if need be
   * @param meanwhile what happens while it waits
   */
  static RawImage whileInUse(Callable<Path> disk, Callable<?> meanwhile) throws Exception {
    while (true) {
      long start = System.nanoTime();
      FutureTask<RawImage> second = opened(disk.call(), meanwhile);
      try {
        return second.get();
      } catch (ExecutionException e) {
        if (System.nanoTime() - start < SOON_NANOSECONDS) {
          throw e;
        }
      }
    }
  }

  private static FutureTask<RawImage> opened(Path path, Callable<?> meanwhile) throws Exception {
    FutureTask<RawImage> second = new FutureTask<>(() -> RawImage.open(path, false));
    Thread opener = new Thread(second, "second opening");
    RawImage first = RawImage.open(path, false);
    opener.start();
    while (opener.isAlive() && opener.getState() != Thread.State.TIMED_WAITING) {
      TimeUnit.MILLISECONDS.sleep(1);
    }
    meanwhile.call();
    first.close();
    return second;
  }
}
