// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;

/** What a virtio-mmio driver does, step by step, and access to every register. */
public final class MmioDriver {
  public static final int ACKNOWLEDGE = 1;
  public static final int DRIVER = 2;
  public static final int DRIVER_OK = 4;
  public static final int FEATURES_OK = 8;
  public static final int NEEDS_RESET = 64;
  public static final int STATUS = 0x70;

  private final VirtioMmio device;

  public MmioDriver(VirtioMmio device) {
    this.device = device;
  }

  public int read(int offset) {
    return (int) device.read(offset, 4);
  }

  public void write(int offset, int value) {
    device.write(offset, 4, Integer.toUnsignedLong(value));
  }

  public int status() {
    return read(STATUS);
  }

  public void status(int value) {
    write(STATUS, value);
  }

  public long offeredFeatures() {
    write(0x14, 0);
    long low = Integer.toUnsignedLong(read(0x10));
    write(0x14, 1);
    return low | (long) read(0x10) << 32;
  }

  public void acceptFeatures(long features) {
    write(0x24, 0);
    write(0x20, (int) features);
    write(0x24, 1);
    write(0x20, (int) (features >>> 32));
  }

  /** Resets and goes as far as FEATURES_OK; returns the status then. */
  public int negotiate(long features) {
    status(0);
    status(ACKNOWLEDGE);
    status(ACKNOWLEDGE | DRIVER);
    acceptFeatures(features);
    status(ACKNOWLEDGE | DRIVER | FEATURES_OK);
    return status();
  }

  public void setUpQueue(int queue, SplitRingDriver ring) {
    setUpQueue(queue, ring.size(), ring.descriptors(), ring.avail(), ring.used());
  }

  public void setUpQueue(int queue, int size, long descriptors, long avail, long used) {
    write(0x30, queue);
    write(0x38, size);
    write(0x80, (int) descriptors);
    write(0x84, (int) (descriptors >>> 32));
    write(0x90, (int) avail);
    write(0x94, (int) (avail >>> 32));
    write(0xa0, (int) used);
    write(0xa4, (int) (used >>> 32));
    write(0x44, 1);
  }

  public void driverOk() {
    status(status() | DRIVER_OK);
  }

  /** The whole way from reset to a working queue 0 with all features. */
  public void start(SplitRingDriver ring) {
    negotiate(offeredFeatures());
    setUpQueue(0, ring);
    driverOk();
  }

  public void notifyQueue(int queue) {
    write(0x50, queue);
  }

  /** Notifies queue 0 and waits until used.idx has the value; false after 10 s. */
  public boolean notifyAndAwait(SplitRingDriver ring, int usedIndex) throws GuestFault {
    notifyQueue(0);
    return await(() -> ring.usedIndex() == (usedIndex & 0xffff));
  }

  /** Polls a condition for up to 10 s. */
  public static boolean await(Condition condition) throws GuestFault {
    long end = System.nanoTime() + 10_000_000_000L;
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        return false;
      }
      Thread.onSpinWait();
    }
    return true;
  }

  /** Something to wait for. */
  @FunctionalInterface
  public interface Condition {
    boolean holds() throws GuestFault;
  }
}
