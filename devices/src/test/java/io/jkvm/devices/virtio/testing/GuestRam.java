// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import java.util.Arrays;

/** All of a guest's RAM at one moment. */
public final class GuestRam {
  private final GuestMemory memory;
  private final byte[] before;

  /** The RAM as it is now. */
  public GuestRam(GuestMemory memory, int bytes) throws GuestFault {
    this.memory = memory;
    before = copy(memory, bytes);
  }

  private static byte[] copy(GuestMemory memory, int bytes) throws GuestFault {
    byte[] copy = new byte[bytes];
    memory.read(0, copy, 0, bytes);
    return copy;
  }

  /** Fails if any byte is another one than then. */
  public void assertUnchanged() throws GuestFault {
    byte[] after = copy(memory, before.length);
    assertEquals(-1, Arrays.mismatch(before, after), "the address of a byte that changed");
  }
}
