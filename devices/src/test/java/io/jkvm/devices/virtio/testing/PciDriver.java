// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.pci.testing.PciMachine;

/**
 * What a virtio-pci driver does, step by step: finds the structures through configuration space and
 * uses them through the memory bus.
 */
public final class PciDriver {
  public static final int ACKNOWLEDGE = 1;
  public static final int DRIVER = 2;
  public static final int DRIVER_OK = 4;
  public static final int FEATURES_OK = 8;
  public static final int NEEDS_RESET = 64;
  public static final int NO_VECTOR = 0xffff;

  public static final int COMMON_CFG = 1;
  public static final int NOTIFY_CFG = 2;
  public static final int ISR_CFG = 3;
  public static final int DEVICE_CFG = 4;
  public static final int PCI_CFG = 5;

  private final PciMachine machine;
  private final int slot;

  public PciDriver(PciMachine machine, int slot) {
    this.machine = machine;
    this.slot = slot;
  }

  /** The offset of the virtio capability of a type, 0 if there is none. */
  public int capability(int type) {
    int at = machine.findCapability(slot, 9, 0);
    while (at != 0 && (machine.readConfig(slot, at + 3, 1) & 0xff) != type) {
      at = machine.findCapability(slot, 9, at);
    }
    return at;
  }

  /** Where a structure is in memory now. */
  public long address(int type) {
    int at = capability(type);
    int bar = machine.readConfig(slot, at + 4, 1);
    return machine.barAddress(slot, bar) + machine.readConfig(slot, at + 8, 4);
  }

  /** Memory decoding and bus mastering on. */
  public void enable() {
    machine.command(slot, 6, 0);
  }

  public int msixCapability() {
    return machine.findCapability(slot, 0x11, 0);
  }

  /** Bit 15 enables, bit 14 masks the function. */
  public void msixControl(int value) {
    machine.writeConfig(slot, msixCapability() + 2, 2, value);
  }

  public long msixTable() {
    int where = machine.readConfig(slot, msixCapability() + 4, 4);
    return machine.barAddress(slot, where & 7) + (where & ~7);
  }

  public void msixEntry(int vector, long address, int data, int control) {
    long at = msixTable() + 16L * vector;
    machine.memory().write(at, 4, address & 0xffff_ffffL);
    machine.memory().write(at + 4, 4, address >>> 32);
    machine.memory().write(at + 8, 4, data);
    machine.memory().write(at + 12, 4, control);
  }

  /** Reads the common configuration structure. */
  public int read(int offset, int size) {
    return (int) machine.memory().read(address(COMMON_CFG) + offset, size);
  }

  public void write(int offset, int size, long value) {
    machine.memory().write(address(COMMON_CFG) + offset, size, value);
  }

  public int status() {
    return read(0x14, 1);
  }

  public void status(int value) {
    write(0x14, 1, value);
  }

  /** Reads the ISR status, which acknowledges. */
  public int isr() {
    return (int) machine.memory().read(address(ISR_CFG), 1);
  }

  public long readDeviceConfig(int offset, int size) {
    return machine.memory().read(address(DEVICE_CFG) + offset, size);
  }

  public long offeredFeatures() {
    write(0, 4, 0);
    long low = Integer.toUnsignedLong(read(4, 4));
    write(0, 4, 1);
    return low | (long) read(4, 4) << 32;
  }

  /** Resets and goes as far as FEATURES_OK; returns the status then. */
  public int negotiate(long features) {
    status(0);
    status(ACKNOWLEDGE);
    status(ACKNOWLEDGE | DRIVER);
    write(8, 4, 0);
    write(0x0c, 4, features & 0xffff_ffffL);
    write(8, 4, 1);
    write(0x0c, 4, features >>> 32);
    status(ACKNOWLEDGE | DRIVER | FEATURES_OK);
    return status();
  }

  public void setUpQueue(int queue, SplitRingDriver ring) {
    setUpQueue(queue, ring.size(), ring.descriptors(), ring.avail(), ring.used());
  }

  public void setUpQueue(int queue, int size, long descriptors, long avail, long used) {
    write(0x16, 2, queue);
    write(0x18, 2, size);
    write(0x20, 4, descriptors & 0xffff_ffffL);
    write(0x24, 4, descriptors >>> 32);
    write(0x28, 4, avail & 0xffff_ffffL);
    write(0x2c, 4, avail >>> 32);
    write(0x30, 4, used & 0xffff_ffffL);
    write(0x34, 4, used >>> 32);
    write(0x1c, 2, 1);
  }

  /** Chooses the vector of a queue; returns what the device says about it. */
  public int queueVector(int queue, int vector) {
    write(0x16, 2, queue);
    write(0x1a, 2, vector);
    return read(0x1a, 2);
  }

  public int configVector(int vector) {
    write(0x10, 2, vector);
    return read(0x10, 2);
  }

  public void driverOk() {
    status(status() | DRIVER_OK);
  }

  /** The whole way from reset to a working queue 0 with all features. */
  public void start(SplitRingDriver ring) {
    enable();
    negotiate(offeredFeatures());
    setUpQueue(0, ring);
    driverOk();
  }

  public long notifyAddress(int queue) {
    write(0x16, 2, queue);
    int multiplier = machine.readConfig(slot, capability(NOTIFY_CFG) + 16, 4);
    return address(NOTIFY_CFG) + (long) multiplier * read(0x1e, 2);
  }

  public void notifyQueue(int queue) {
    machine.memory().write(notifyAddress(queue), 2, queue);
  }

  /** Notifies queue 0 and waits until used.idx has the value; false after 10 s. */
  public boolean notifyAndAwait(SplitRingDriver ring, int usedIndex) throws GuestFault {
    notifyQueue(0);
    return MmioDriver.await(() -> ring.usedIndex() == (usedIndex & 0xffff));
  }

  /** Reads a register through the PCI configuration access capability. */
  public int readThroughConfig(int bar, int offset, int length) {
    prepareAccess(bar, offset, length);
    return machine.readConfig(slot, capability(PCI_CFG) + 16, 4);
  }

  public void writeThroughConfig(int bar, int offset, int length, int value) {
    prepareAccess(bar, offset, length);
    machine.writeConfig(slot, capability(PCI_CFG) + 16, 4, value);
  }

  private void prepareAccess(int bar, int offset, int length) {
    int at = capability(PCI_CFG);
    machine.writeConfig(slot, at + 4, 1, bar);
    machine.writeConfig(slot, at + 8, 4, offset);
    machine.writeConfig(slot, at + 12, 4, length);
  }
}
