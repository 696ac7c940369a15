// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.testing;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.boot.BootConfig;
import io.jkvm.firmware.layout.E820Map;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What tests of the ways to boot have in common. */
public final class Boots {
  private Boots() {}

  /** A configuration of one processor. */
  public static BootConfig config(GuestMemory memory, String commandLine, Path... initrds) {
    return new BootConfig(
        memory, E820Map.of(memory), commandLine, List.of(initrds), 1, 0, Optional.empty());
  }

  /** A copy of guest RAM. */
  public static byte[] read(GuestMemory memory, long address, int length) throws GuestFault {
    byte[] bytes = new byte[length];
    memory.read(address, bytes, 0, length);
    return bytes;
  }
}
