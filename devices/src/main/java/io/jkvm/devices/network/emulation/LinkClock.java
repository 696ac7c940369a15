// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.emulation;

import java.util.concurrent.locks.LockSupport;

/** The time of an emulated link, and how its threads wait; tests have one that they move on. */
interface LinkClock {
  /** The machine's own. */
  LinkClock SYSTEM =
      new LinkClock() {
        @Override
        public long now() {
          return System.nanoTime();
        }

        @Override
        public void park(long nanos) {
          LockSupport.parkNanos(this, nanos);
        }

        @Override
        public void unpark(Thread thread) {
          LockSupport.unpark(thread);
        }
      };

  /** Nanoseconds since whenever, as {@link System#nanoTime}. */
  long now();

  /** Waits so long, or until {@link #unpark}, or shorter for no reason. */
  void park(long nanos);

  /** Ends a thread's wait, or its next one if it does not wait now. */
  void unpark(Thread thread);
}
