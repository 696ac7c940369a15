// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

/** How INTx of the devices on PCI bus 0 reaches the I/O APIC: inputs 16 to 23, in rotation. */
public final class PciInterrupts {
  /** The first input that INTx uses, above all ISA interrupts. */
  public static final int FIRST_GSI = 16;

  /** The number of inputs. */
  public static final int GSI_COUNT = 8;

  static final int DEVICES = 32;
  static final int PINS = 4;

  private PciInterrupts() {}

  /**
   * The I/O APIC input of an interrupt pin; level-triggered, active high.
   *
   * @param device device number on bus 0, 0 to 31
   * @param pin 0 for INTA# to 3 for INTD#: one less than the Interrupt Pin register has
   */
  public static int gsi(int device, int pin) {
    if (device < 0 || device >= DEVICES || pin < 0 || pin >= PINS) {
      throw new IllegalArgumentException("device " + device + ", pin " + pin);
    }
    return FIRST_GSI + (device + pin) % GSI_COUNT;
  }
}
