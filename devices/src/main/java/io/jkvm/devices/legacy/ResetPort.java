// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import io.jkvm.core.bus.BusDevice;

/**
 * A port of one byte that reads back as written, and resets the machine on the rising edge of one
 * of its bits. A PC has two of them.
 */
public final class ResetPort implements BusDevice {
  /**
   * Reset control register of Intel's PC chipsets (Intel 82371SB, section 2.5.4). It lies within
   * the PCI configuration address register, which answers to accesses of 4 bytes only: a machine
   * with PCI passes single bytes at this port on.
   */
  public static final int RESET_CONTROL = 0xCF9;

  /** System control port A of the PS/2. */
  public static final int SYSTEM_CONTROL_A = 0x92;

  /** Reset control: RST_CPU. Bit 1 chooses between hard and soft reset, which are one here. */
  private static final int RESET_CPU = 1 << 2;

  /** System control port A: the alternate reset line. */
  private static final int FAST_RESET = 1;

  /** System control port A: address line 20 is open. Here it always is, whatever this bit says. */
  private static final int A20 = 1 << 1;

  private final int resetBit;
  private final Runnable reset;
  private volatile int value;

  private ResetPort(int resetBit, int initialValue, Runnable reset) {
    this.resetBit = resetBit;
    this.reset = reset;
    value = initialValue;
  }

  /**
   * The device for {@link #RESET_CONTROL} after power-on.
   *
   * @param reset called on the vCPU's thread when the guest asks for a reset; may be called again
   *     and must not block
   */
  public static ResetPort resetControl(Runnable reset) {
    return new ResetPort(RESET_CPU, 0, reset);
  }

  /** The device for {@link #SYSTEM_CONTROL_A} after power-on; {@code reset} as above. */
  public static ResetPort systemControlA(Runnable reset) {
    return new ResetPort(FAST_RESET, A20, reset);
  }

  @Override
  public long read(long offset, int size) {
    return value;
  }

  @Override
  public void write(long offset, int size, long written) {
    int before = value;
    value = (int) written & 0xff;
    if ((value & ~before & resetBit) != 0) {
      reset.run();
    }
  }
}
