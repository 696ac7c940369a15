// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import io.jkvm.core.bus.Doorbell;
import io.jkvm.core.bus.Doorbells;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.transport.VirtioHost;
import java.util.function.Consumer;

/** The machine around a device under test. */
public final class TestHost {
  /** What the names of its threads begin with. */
  public static final String MACHINE = "test";

  private static final Doorbells NONE =
      new Doorbells() {
        @Override
        public boolean attach(EventFd eventFd, Doorbell doorbell) {
          return false;
        }

        @Override
        public void detach(EventFd eventFd, Doorbell doorbell) {
          throw new AssertionError("nothing was attached");
        }
      };

  private TestHost() {}

  /** Without doorbells, as patient as a real one, never stopping. */
  public static VirtioHost of(GuestMemory memory) {
    return of(memory, NONE);
  }

  public static VirtioHost of(GuestMemory memory, Doorbells doorbells) {
    return new VirtioHost(MACHINE, memory, doorbells, () -> false, reason -> {});
  }

  /** One that tells of what would end the machine. */
  public static VirtioHost telling(GuestMemory memory, Consumer<String> hostFailure) {
    return new VirtioHost(MACHINE, memory, NONE, () -> false, hostFailure);
  }

  /** One that gives up waiting for a request in flight soon. */
  public static VirtioHost impatient(GuestMemory memory, int milliseconds) {
    return new VirtioHost(MACHINE, memory, NONE, () -> false, reason -> {}, milliseconds);
  }
}
