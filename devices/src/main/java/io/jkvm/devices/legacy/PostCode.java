// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import io.jkvm.core.bus.BusDevice;

/**
 * Port 0x80: firmware reports its progress there (power-on self test codes), and kernels write to
 * it because that takes time. Remembers the last byte.
 */
public final class PostCode implements BusDevice {
  /** The one port. */
  public static final int PORT = 0x80;

  private volatile int lastCode;

  /** The byte written last, 0 before the first. */
  public int lastCode() {
    return lastCode;
  }

  @Override
  public long read(long offset, int size) {
    return lastCode;
  }

  @Override
  public void write(long offset, int size, long value) {
    lastCode = (int) value & 0xff;
  }
}
