// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.uring;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;

/**
 * Whether io_uring works here. Containers and system settings refuse some of its calls and not
 * others, so it is tried: a ring, an eventfd registered with it, and a read whose bytes arrive.
 */
public final class UringProbe {
  private static final int ENTRIES = 8;
  private static final int BYTES = 64;
  private static final int STEP_MILLISECONDS = 100;
  private static final int STEPS = 50;

  private UringProbe() {}

  /** Tried with the first use of this class; the decision holds for the process. */
  private static final class Decision {
    static final String REFUSAL = tried();

    private static String tried() {
      try {
        return refusalOf();
      } catch (LinuxException e) {
        return e.getMessage();
      } catch (RuntimeException | Error e) { // must not leave the class unusable
        return e.toString();
      }
    }
  }

  /** Why io_uring can't be used in this process, in a few words; empty if it can. */
  public static String refusal() {
    return Decision.REFUSAL;
  }

  static String refusalOf() throws LinuxException {
    try (EventFd completed = new EventFd();
        Fd zeroes = Fd.open("/dev/zero", Fd.READ_ONLY);
        Uring ring = Uring.open(ENTRIES)) {
      ring.registerEventFd(completed);
      NativeMemory target = new NativeMemory(BYTES);
      target.buffer().putLong(0, -1);
      IoVector vector = new IoVector(1);
      vector.add(target.address(), BYTES);
      ring.prepareRead(zeroes.value(), vector.address(), vector.count(), 0, 1);
      int refused = ring.submit();
      if (refused < 0) {
        return "io_uring_enter: " + Errno.name(-refused);
      }
      // Zeroes are there at once. The number of steps only ends a hang, in which the memory may
      // still be written: a read of a device without a medium is not one that can be under way.
      boolean signalled = false;
      for (int i = 0; i < STEPS && !ring.hasCompletion(); i++) {
        signalled |= completed.await(STEP_MILLISECONDS);
      }
      if (!ring.next()) {
        return "a read was not completed";
      }
      if (ring.result() != BYTES || ring.userData() != 1 || target.buffer().getLong(0) != 0) {
        return "a read ended with " + ring.result();
      }
      signalled |= completed.await(signalled ? 0 : STEP_MILLISECONDS * STEPS);
      return signalled ? "" : "a completion was not signalled";
    }
  }
}
