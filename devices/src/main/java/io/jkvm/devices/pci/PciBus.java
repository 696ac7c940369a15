// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

/**
 * PCI bus 0: up to 32 devices with one function each. Configuration accesses take the bus's lock,
 * one at a time, as on a PC.
 */
public final class PciBus {
  public static final int DEVICE_COUNT = 32;

  private final PciFunction[] functions = new PciFunction[DEVICE_COUNT];
  private final PciMemoryWindow window;
  private long nextAddress;

  /**
   * An empty bus.
   *
   * @param window where the functions' base addresses may lie
   */
  public PciBus(PciMemoryWindow window) {
    this(window, window.range().start());
  }

  /**
   * The same.
   *
   * @param firstAddress in the window: from here on {@link #add} gives them their places
   */
  public PciBus(PciMemoryWindow window, long firstAddress) {
    this.window = window;
    nextAddress = firstAddress;
  }

  /**
   * Adds a function and gives its base addresses room in the window. Not to be called once the
   * guest runs.
   *
   * @param device 0 to 31, free
   * @throws IllegalArgumentException if the device is taken or the window is full
   */
  public synchronized void add(int device, PciFunction function) {
    if (functions[device] != null) {
      throw new IllegalArgumentException(
          function.name() + ": PCI device " + device + " is " + functions[device].name());
    }
    PciConfigSpace config = function.configSpace();
    for (int bar = 0; bar < PciConfigSpace.BAR_COUNT; bar++) {
      long size = config.barBytes(bar);
      if (size > 0) {
        long address = nextAddress + size - 1 & -size;
        nextAddress = address + size;
        if (nextAddress > window.range().end()) {
          throw new IllegalArgumentException(function.name() + ": no room in " + window.range());
        }
        config.placeBar(bar, address);
      }
    }
    functions[device] = function;
  }

  /**
   * Reads configuration space.
   *
   * @param bus 0 to 255
   * @param device 0 to 31
   * @param function 0 to 7
   * @param offset 0 to 255; the access ends within the same aligned 4 bytes
   * @return all ones where there is no function
   */
  public synchronized long readConfig(int bus, int device, int function, int offset, int size) {
    PciFunction target = find(bus, device, function);
    return target == null ? -1 : target.readConfig(offset, size);
  }

  /** Writes configuration space; nothing happens where there is no function. */
  public synchronized void writeConfig(
      int bus, int device, int function, int offset, int size, long value) {
    PciFunction target = find(bus, device, function);
    if (target != null) {
      target.writeConfig(offset, size, value);
      if (movesRanges(offset)) {
        window.update(functions);
      }
    }
  }

  private static boolean movesRanges(int offset) {
    int register = offset & ~3;
    return register == PciConfigSpace.COMMAND
        || register >= PciConfigSpace.BAR0
            && register < PciConfigSpace.BAR0 + 4 * PciConfigSpace.BAR_COUNT;
  }

  private PciFunction find(int bus, int device, int function) {
    return bus == 0 && function == 0 ? functions[device] : null;
  }
}
