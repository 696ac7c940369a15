// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.mmio;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.transport.QueueRegisters;
import io.jkvm.devices.virtio.transport.VirtioFunction;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A virtio device behind memory-mapped registers, version 2 (virtio 1.2, section 4.2).
 *
 * <p>Registers answer to aligned 32-bit accesses only; other accesses read 0 and write nothing. The
 * configuration space takes every size. A write of 0 to Status returns when the request in flight
 * is finished. Lock order: this object, then the {@link VirtioFunction}.
 */
public final class VirtioMmio implements BusDevice, AutoCloseable {
  /** How many bytes of guest-physical address space the registers take. */
  public static final long RANGE_BYTES = 0x1000;

  /** Offset of the QueueNotify register, where an ioeventfd of 4 bytes can take the write. */
  public static final long QUEUE_NOTIFY = 0x50;

  private static final int MAGIC = 0x74726976;
  private static final int VERSION = 2;
  private static final int VENDOR_ID = 0x4d564b4a;
  private static final long CONFIG = 0x100;
  private static final int INTERRUPT_USED_BUFFER = 1;
  private static final int INTERRUPT_CONFIG_CHANGE = 2;

  private final VirtioDevice device;
  private final EventFd interrupt;
  private final AtomicInteger interruptStatus = new AtomicInteger();
  private final VirtioFunction state;
  private int deviceFeaturesSelect;
  private int driverFeaturesSelect;
  private int queueSelect;

  /**
   * A transport for one device.
   *
   * @param interrupt an irqfd of an edge-triggered line, signalled after InterruptStatus is set;
   *     stays the caller's to close
   * @throws LinuxException if the host has no more eventfds
   */
  public VirtioMmio(VirtioDevice device, GuestMemory memory, EventFd interrupt)
      throws LinuxException {
    this.device = device;
    this.interrupt = interrupt;
    state = new VirtioFunction(device, memory, new MmioInterrupts());
  }

  public VirtioDevice device() {
    return device;
  }

  /** How many queues have a {@link #queueNotify}. */
  public int queueCount() {
    return state.queueCount();
  }

  /**
   * The eventfd that wakes a queue's thread: to be registered as an ioeventfd for writes of 4 bytes
   * with the value {@code queue} at {@link #QUEUE_NOTIFY}. Writes that come by a vCPU exit work
   * too.
   */
  public EventFd queueNotify(int queue) {
    return state.notify(queue);
  }

  @Override
  public long read(long offset, int size) {
    if (offset >= CONFIG) {
      return device.readConfig(offset - CONFIG, size);
    }
    if (size != 4 || (offset & 3) != 0) {
      return 0;
    }
    return Integer.toUnsignedLong(readRegister((int) offset));
  }

  private synchronized int readRegister(int offset) {
    switch (offset) {
      case 0x000:
        return MAGIC;
      case 0x004:
        return VERSION;
      case 0x008:
        return device.deviceId();
      case 0x00c:
        return VENDOR_ID;
      case 0x010:
        return state.offeredFeatures(deviceFeaturesSelect);
      case 0x034: // QueueNumMax
        return queueSelect >= 0 && queueSelect < state.queueCount()
            ? device.maxQueueSize(queueSelect)
            : 0;
      case 0x044:
        return state.queueReady(queueSelect) ? 1 : 0;
      case 0x060:
        return interruptStatus.get();
      case 0x070:
        return state.status();
      case 0x0b0: // SHMLen and SHMBase: a region that does not exist has the length -1
      case 0x0b4:
      case 0x0b8:
      case 0x0bc:
        return -1;
      case 0x0fc:
        return state.configGeneration();
      default:
        return 0;
    }
  }

  @Override
  public void write(long offset, int size, long value) {
    if (offset >= CONFIG) {
      device.writeConfig(offset - CONFIG, size, value);
    } else if (size == 4 && offset == QUEUE_NOTIFY) {
      if (value >= 0 && value < state.queueCount()) {
        state.notify((int) value).signal();
      }
    } else if (size == 4 && (offset & 3) == 0) {
      writeRegister((int) offset, (int) value);
    }
  }

  private synchronized void writeRegister(int offset, int value) {
    switch (offset) {
      case 0x014:
        deviceFeaturesSelect = value;
        break;
      case 0x020:
        state.acceptFeatures(driverFeaturesSelect, value);
        break;
      case 0x024:
        driverFeaturesSelect = value;
        break;
      case 0x030:
        queueSelect = value;
        break;
      case 0x044:
        state.setQueueReady(queueSelect, (value & 1) != 0);
        break;
      case 0x064: // InterruptACK
        interruptStatus.getAndAccumulate(value, (status, acknowledged) -> status & ~acknowledged);
        break;
      case 0x070:
        writeStatus(value);
        break;
      default:
        QueueRegisters queue = state.changeableSettings(queueSelect);
        if (queue != null) {
          writeQueueSetting(queue, offset, value);
        }
    }
  }

  private void writeStatus(int value) {
    state.writeStatus(value);
    if (state.status() == 0) {
      deviceFeaturesSelect = 0;
      driverFeaturesSelect = 0;
      queueSelect = 0;
    }
  }

  private static void writeQueueSetting(QueueRegisters queue, int offset, int value) {
    switch (offset) {
      case 0x038:
        queue.size = value;
        break;
      case 0x080:
        queue.descriptors = QueueRegisters.withLow(queue.descriptors, value);
        break;
      case 0x084:
        queue.descriptors = QueueRegisters.withHigh(queue.descriptors, value);
        break;
      case 0x090:
        queue.avail = QueueRegisters.withLow(queue.avail, value);
        break;
      case 0x094:
        queue.avail = QueueRegisters.withHigh(queue.avail, value);
        break;
      case 0x0a0:
        queue.used = QueueRegisters.withLow(queue.used, value);
        break;
      case 0x0a4:
        queue.used = QueueRegisters.withHigh(queue.used, value);
        break;
      default:
        break;
    }
  }

  /**
   * Ends the queues' threads, so that guest RAM may be unmapped. No vCPU may run any more. A
   * request that hangs in the host is given up after 10 s, with a warning; its thread is left
   * behind.
   */
  @Override
  public void close() {
    state.close();
  }

  /** Called by the queues' threads, so it takes no lock: a reset waits for them. */
  private final class MmioInterrupts implements VirtioFunction.Interrupts {
    @Override
    public void queueUsed(int queue) {
      raise(INTERRUPT_USED_BUFFER);
    }

    @Override
    public void configChanged() {
      raise(INTERRUPT_CONFIG_CHANGE);
    }

    @Override
    public void clear() {
      interruptStatus.set(0);
    }

    private void raise(int bit) {
      // The handler reads InterruptStatus, so the bit must be there before the edge.
      interruptStatus.getAndAccumulate(bit, (status, added) -> status | added);
      interrupt.signal();
    }
  }
}
