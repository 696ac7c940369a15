// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import io.jkvm.core.bus.BusDevice;
import java.util.OptionalInt;

/**
 * A port of one byte where a guest leaves the exit status that its user is to see, as a program
 * does for its shell. The machine goes on; the last status written before its end counts. Reads as
 * it was written.
 */
public final class ExitStatusPort implements BusDevice {
  private static final int NONE = -1;

  private volatile int status = NONE;

  /** The status, 0 to 255; empty if the guest has left none. */
  public OptionalInt status() {
    int value = status;
    return value == NONE ? OptionalInt.empty() : OptionalInt.of(value);
  }

  @Override
  public long read(long offset, int size) {
    return Math.max(status, 0);
  }

  @Override
  public void write(long offset, int size, long value) {
    status = (int) value & 0xff;
  }
}
