// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/** A disk that is opened while its last user still holds it, as one that was killed may. */
final class Openings {
  private Openings() {}

  /**
   * Opens it and has it wait for the first user, who then closes it.
   *
   * @param meanwhile what happens while it waits
   */
  static RawImage whileInUse(Path path, Callable<?> meanwhile) throws Exception {
    FutureTask<RawImage> second = new FutureTask<>(() -> RawImage.open(path, false));
    Thread opener = new Thread(second, "second opening");
    RawImage first = RawImage.open(path, false);
    opener.start();
    while (opener.isAlive() && opener.getState() != Thread.State.TIMED_WAITING) {
      TimeUnit.MILLISECONDS.sleep(1);
    }
    meanwhile.call();
    first.close();
    return second.get();
  }
}
