// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;
import java.util.concurrent.locks.LockSupport;

/** What a virtio-mmio driver does, step by step, and access to every register. */
public final class MmioDriver {
  public static final int ACKNOWLEDGE = 1;
  public static final int DRIVER = 2;
  public static final int DRIVER_OK = 4;
  public static final int FEATURES_OK = 8;
  public static final int NEEDS_RESET = 64;

  public static final int DEVICE_FEATURES = 0x10;
  public static final int DEVICE_FEATURES_SEL = 0x14;
  public static final int DRIVER_FEATURES = 0x20;
  public static final int DRIVER_FEATURES_SEL = 0x24;
  public static final int QUEUE_SEL = 0x30;
  public static final int QUEUE_NUM_MAX = 0x34;
  public static final int QUEUE_NUM = 0x38;
  public static final int QUEUE_READY = 0x44;
  public static final int QUEUE_NOTIFY = 0x50;
  public static final int INTERRUPT_STATUS = 0x60;
  public static final int INTERRUPT_ACK = 0x64;
  public static final int STATUS = 0x70;

  /** Bits of {@link #INTERRUPT_STATUS}. */
  public static final int USED_BUFFER = 1;

  public static final int CONFIG_CHANGE = 2;

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
    write(DEVICE_FEATURES_SEL, 0);
    long low = Integer.toUnsignedLong(read(DEVICE_FEATURES));
    write(DEVICE_FEATURES_SEL, 1);
    return low | (long) read(DEVICE_FEATURES) << 32;
  }

  public void acceptFeatures(long features) {
    write(DRIVER_FEATURES_SEL, 0);
    write(DRIVER_FEATURES, (int) features);
    write(DRIVER_FEATURES_SEL, 1);
    write(DRIVER_FEATURES, (int) (features >>> 32));
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
    write(QUEUE_SEL, queue);
    write(QUEUE_NUM, size);
    write(0x80, (int) descriptors);
    write(0x84, (int) (descriptors >>> 32));
    write(0x90, (int) avail);
    write(0x94, (int) (avail >>> 32));
    write(0xa0, (int) used);
    write(0xa4, (int) (used >>> 32));
    write(QUEUE_READY, 1);
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
    write(QUEUE_NOTIFY, queue);
  }

  /** Notifies queue 0 and waits until used.idx has the value; false after 10 s. */
  public boolean notifyAndAwait(SplitRingDriver ring, int usedIndex) throws GuestFault {
    notifyQueue(0);
    return await(() -> ring.usedIndex() == (usedIndex & 0xffff));
  }

  /** Polls a condition for up to two minutes, which only end a hang. */
  public static boolean await(Condition condition) throws GuestFault {
    long end = System.nanoTime() + 120_000_000_000L;
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        return false;
      }
      LockSupport.parkNanos(20_000); // leaves the processor to the device's threads
    }
    return true;
  }

  /** Something to wait for. */
  @FunctionalInterface
  public interface Condition {
    boolean holds() throws GuestFault;
  }
}
