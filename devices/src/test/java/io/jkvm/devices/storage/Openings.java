// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/** A disk that is opened while its last user still holds it, as one that was killed may. */
final class Openings {
  private Openings() {}

  /** Fails if the second opening does not wait for the first one's end. */
  static void assertOpensOnceClosed(Path path) throws Exception {
    FutureTask<RawImage> second = new FutureTask<>(() -> RawImage.open(path, false));
    Thread opener = new Thread(second, "second opening");
    RawImage first = RawImage.open(path, false);
    opener.start();
    while (opener.isAlive() && opener.getState() != Thread.State.TIMED_WAITING) {
      TimeUnit.MILLISECONDS.sleep(1);
    }
    first.close();
    second.get().close();
  }
}
