// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import io.jkvm.core.bus.BusDevice;

/**
 * Port 0x92 of the PS/2: bit 0 resets the machine, bit 1 opens A20. A20 is always open here, so
 * that bit is only remembered.
 */
public final class SystemControlPortA implements BusDevice {
  /** The one port. */
  public static final int PORT = 0x92;

  private static final int FAST_RESET = 1;
  private static final int A20 = 2;

  private final Runnable reset;
  private volatile int value = A20;

  /**
   * The port after power-on.
   *
   * @param reset called on the vCPU's thread when the guest asks for a reset; must not block
   */
  public SystemControlPortA(Runnable reset) {
    this.reset = reset;
  }

  @Override
  public long read(long offset, int size) {
    return value;
  }

  @Override
  public void write(long offset, int size, long written) {
    int before = value;
    value = (int) written & 0xff;
    // The reset pulse comes from the bit's rising edge.
    if ((value & ~before & FAST_RESET) != 0) {
      reset.run();
    }
  }
}
