// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import io.jkvm.core.lifecycle.LogLimit;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Those that wait for room in a sink, as {@link io.jkvm.devices.serial.SerialSink} promises it. For
 * any thread.
 */
final class RoomListeners {
  private final List<Runnable> all = new CopyOnWriteArrayList<>();
  private final LogLimit warnings = new LogLimit(RoomListeners.class, 3);
  private final String where;

  /** None yet; {@code where} names the sink in warnings. */
  RoomListeners(String where) {
    this.where = where;
  }

  void add(Runnable listener) {
    all.add(listener);
  }

  /** By identity. */
  void remove(Runnable listener) {
    all.removeIf(known -> known == listener);
  }

  /** A device that fails here must not end the thread that made the room. */
  void tell() {
    for (Runnable listener : all) {
      try {
        listener.run();
      } catch (RuntimeException e) {
        warnings.warn("a port that waits for room in " + where, e.toString());
      }
    }
  }
}
