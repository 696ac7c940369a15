// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci.testing;

import io.jkvm.core.bus.AddressRange;
import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.bus.IoBus;
import io.jkvm.devices.pci.PciBus;
import io.jkvm.devices.pci.PciConfigPorts;
import io.jkvm.devices.pci.PciHostBridge;
import io.jkvm.devices.pci.PciMemoryWindow;

/** A PCI bus behind port and memory buses, used as a guest uses it: by addresses only. */
public final class PciMachine {
  public static final long WINDOW = 0xe000_0000L;
  public static final long WINDOW_END = 0xfe00_0000L;

  private final PciMemoryWindow window =
      new PciMemoryWindow(new AddressRange(WINDOW, WINDOW_END - WINDOW));
  private final PciBus bus = new PciBus(window);
  private final IoBus ports;
  private final IoBus memory =
      IoBus.builder().map(WINDOW, WINDOW_END - WINDOW, "PCI", window).build();
  private int resetControl;

  public PciMachine() {
    bus.add(0, new PciHostBridge());
    BusDevice reset =
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            return resetControl;
          }

          @Override
          public void write(long offset, int size, long value) {
            resetControl = (int) value;
          }
        };
    ports =
        IoBus.builder()
            .map(
                PciConfigPorts.PORT,
                PciConfigPorts.PORT_COUNT,
                "PCI",
                new PciConfigPorts(bus, reset))
            .build();
  }

  public PciBus bus() {
    return bus;
  }

  /** What was written to port 0xCF9 last. */
  public int resetControl() {
    return resetControl;
  }

  /** Port I/O. */
  public IoBus ports() {
    return ports;
  }

  /** Memory-mapped I/O. */
  public IoBus memory() {
    return memory;
  }

  public void select(int device, int register) {
    ports.write(0xcf8, 4, 0x8000_0000L | device << 11 | register & 0xfc);
  }

  public int readConfig(int device, int register, int size) {
    select(device, register);
    return (int) ports.read(0xcfc + (register & 3), size);
  }

  public void writeConfig(int device, int register, int size, int value) {
    select(device, register);
    ports.write(0xcfc + (register & 3), size, Integer.toUnsignedLong(value));
  }

  /** Sets and clears bits of the Command register. */
  public void command(int device, int set, int clear) {
    writeConfig(device, 4, 2, readConfig(device, 4, 2) & ~clear | set);
  }

  public long barAddress(int device, int bar) {
    return Integer.toUnsignedLong(readConfig(device, 0x10 + 4 * bar, 4)) & ~15L;
  }

  /** Moves a base address. */
  public void placeBar(int device, int bar, long address) {
    writeConfig(device, 0x10 + 4 * bar, 4, (int) address);
  }

  /** The offset of the first capability with a number at or after an offset; 0 if none. */
  public int findCapability(int device, int id, int after) {
    int at =
        after == 0 ? readConfig(device, 0x34, 1) & 0xff : readConfig(device, after + 1, 1) & 0xff;
    for (int i = 0; at != 0 && i < 48; i++) {
      if ((readConfig(device, at, 1) & 0xff) == id) {
        return at;
      }
      at = readConfig(device, at + 1, 1) & 0xff;
    }
    return 0;
  }
}
