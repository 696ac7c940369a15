// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

import io.jkvm.core.bus.BusDevice;

/**
 * Configuration mechanism #1 (PCI Local Bus 3.0, section 3.2.2.3.2): CONFIG_ADDRESS at port 0xCF8,
 * which takes accesses of 4 bytes only, and CONFIG_DATA at 0xCFC, which takes every access within
 * its 4 bytes. Other accesses read all ones and write nothing.
 */
public final class PciConfigPorts implements BusDevice {
  /** The first port. */
  public static final int PORT = 0xcf8;

  public static final int PORT_COUNT = 8;

  private static final int DATA = 4;
  private static final int RESET_CONTROL = 1;
  private static final int ENABLE = 1 << 31;
  private static final int IMPLEMENTED = ENABLE | 0xff_fffc;

  /**
   * Reserved, read as 0. AMD's extended registers are addressed by bits 24 to 27: guests that try
   * must not find the first 256 bytes again.
   */
  private static final int RESERVED = 0x7f00_0000;

  private final PciBus bus;
  private final BusDevice resetControl;
  private int address;

  /**
   * The ports of a machine.
   *
   * @param resetControl gets the accesses of 1 byte at port 0xCF9
   */
  public PciConfigPorts(PciBus bus, BusDevice resetControl) {
    this.bus = bus;
    this.resetControl = resetControl;
  }

  @Override
  public long read(long offset, int size) {
    if (offset == RESET_CONTROL && size == 1) {
      return resetControl.read(0, 1);
    }
    synchronized (this) {
      if (offset == 0 && size == 4) {
        return Integer.toUnsignedLong(address & IMPLEMENTED);
      }
      if (offset < DATA || !selected()) {
        return -1;
      }
      return bus.readConfig(busNumber(), device(), function(), register(offset), size);
    }
  }

  @Override
  public void write(long offset, int size, long value) {
    if (offset == RESET_CONTROL && size == 1) {
      resetControl.write(0, 1, value);
      return;
    }
    synchronized (this) {
      if (offset == 0 && size == 4) {
        address = (int) value & ~3;
      } else if (offset >= DATA && selected()) {
        bus.writeConfig(busNumber(), device(), function(), register(offset), size, value);
      }
    }
  }

  private boolean selected() {
    return (address & (ENABLE | RESERVED)) == ENABLE;
  }

  private int busNumber() {
    return address >>> 16 & 0xff;
  }

  private int device() {
    return address >>> 11 & 0x1f;
  }

  private int function() {
    return address >>> 8 & 7;
  }

  private int register(long offset) {
    return (address & 0xfc) + (int) offset - DATA;
  }
}
