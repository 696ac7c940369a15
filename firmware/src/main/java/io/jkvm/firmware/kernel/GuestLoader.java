// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import java.io.IOException;

/** Copies parts of a kernel into guest RAM with no buffer in between. */
final class GuestLoader {
  /** A {@link GuestMemory#slice} may not cross a multiple of this. */
  private static final long SLICE_LIMIT = 1L << 30;

  private GuestLoader() {}

  /** Nothing is written if the target is not wholly inside RAM. */
  static void load(KernelBytes source, long offset, GuestMemory memory, long address, long length)
      throws IOException, GuestFault {
    memory.checkRange(address, length);
    for (long done = 0; done < length; ) {
      long at = address + done;
      int part = (int) Math.min(length - done, SLICE_LIMIT - at % SLICE_LIMIT);
      source.read(offset + done, memory.slice(at, part));
      done += part;
    }
  }
}
