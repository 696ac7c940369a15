// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import io.jkvm.core.bus.BusDevice;

/**
 * Reset control register of Intel's PC chipsets at port 0xCF9 (Intel 82371SB, section 2.5.4): bit 1
 * chooses between a hard and a soft reset, which are one here; the rising edge of bit 2 resets.
 *
 * <p>The port lies within the PCI configuration address register, which answers to accesses of 4
 * bytes only: a machine with PCI passes single bytes at 0xCF9 on to this.
 */
public final class ResetRegister implements BusDevice {
  /** The one port. */
  public static final int PORT = 0xCF9;

  private static final int RESET_CPU = 1 << 2;

  private final Runnable reset;
  private volatile int value;

  /**
   * The register after power-on.
   *
   * @param reset called on the vCPU's thread when the guest asks for a reset; may be called again
   *     and must not block
   */
  public ResetRegister(Runnable reset) {
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
    if ((value & ~before & RESET_CPU) != 0) {
      reset.run();
    }
  }
}
