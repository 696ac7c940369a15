// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.irq.IrqLine;

/**
 * The fixed power management registers of ACPI (ACPI 6.4, section 4.8.3) as one block of ports: PM1
 * status and PM1 enable, together the PM1a event block, then PM1 control. The machine is always in
 * ACPI mode. The power button is the only event, S5 the only sleep state.
 */
public final class AcpiPm implements BusDevice {
  /** The number of ports: 4 of the event block, 2 of the control register. */
  public static final int PORT_COUNT = 6;

  private static final int ENABLE_SHIFT = 16;
  private static final int CONTROL_SHIFT = 32;

  private static final int POWER_BUTTON = 1 << 8;

  /** GBL, PWRBTN, SLPBTN and RTC: what may be enabled; no timer status without a PM timer. */
  private static final int ENABLE_MASK = 1 << 5 | POWER_BUTTON | 1 << 9 | 1 << 10;

  private static final int SCI_ENABLED = 1;
  private static final int BUS_MASTER_RELOAD = 1 << 1;
  private static final int SLEEP_TYPE_SHIFT = 10;
  private static final int SLEEP_TYPE_MASK = 7;
  private static final int SLEEP_ENABLE = 1 << 13;
  private static final int CONTROL_MASK = BUS_MASTER_RELOAD | SLEEP_TYPE_MASK << SLEEP_TYPE_SHIFT;

  private final Object lock = new Object();
  private final IrqLine sci;
  private final int powerOffSleepType;
  private final Runnable powerOff;
  private int status;
  private int enable;
  private int control;
  private boolean sciAsserted;

  /**
   * Registers as after power-on.
   *
   * @param sci the system control interrupt, level-triggered; called only when the level changes
   * @param powerOffSleepType SLP_TYP of S5, 0 to 7, as the DSDT has it
   * @param powerOff called on the vCPU's thread when the guest enters S5; may be called again and
   *     must not block
   */
  public AcpiPm(IrqLine sci, int powerOffSleepType, Runnable powerOff) {
    this.sci = sci;
    this.powerOffSleepType = powerOffSleepType;
    this.powerOff = powerOff;
  }

  /**
   * Presses and releases the power button. Safe from any thread; presses that the guest has not
   * seen yet are one.
   *
   * @return true if the guest listens; one that does not may drop the press when it starts
   */
  public boolean pressPowerButton() {
    synchronized (lock) {
      status |= POWER_BUTTON;
      updateSci();
      return (enable & POWER_BUTTON) != 0;
    }
  }

  @Override
  public long read(long offset, int size) {
    synchronized (lock) {
      long all =
          status | (long) enable << ENABLE_SHIFT | (long) (control | SCI_ENABLED) << CONTROL_SHIFT;
      return all >>> 8 * offset;
    }
  }

  @Override
  public void write(long offset, int size, long value) {
    boolean off;
    long mask = (size == 8 ? -1L : (1L << 8 * size) - 1) << 8 * offset;
    long bits = value << 8 * offset & mask;
    synchronized (lock) {
      // Status bits are cleared by writing 1.
      status &= (int) ~bits;
      enable = (int) ((enable & ~(mask >>> ENABLE_SHIFT) | bits >>> ENABLE_SHIFT) & ENABLE_MASK);
      long written = bits >>> CONTROL_SHIFT;
      control = (int) ((control & ~(mask >>> CONTROL_SHIFT) | written) & CONTROL_MASK);
      // SLP_EN is not kept: it reads as 0.
      off =
          (written & SLEEP_ENABLE) != 0
              && (control >>> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == powerOffSleepType;
      updateSci();
    }
    if (off) {
      powerOff.run();
    }
  }

  private void updateSci() {
    boolean assertSci = (status & enable) != 0;
    if (assertSci != sciAsserted) {
      sciAsserted = assertSci;
      sci.setLevel(assertSci);
    }
  }
}
