// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.mmio;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.bus.Doorbell;
import io.jkvm.core.irq.EdgeIrq;
import io.jkvm.core.lifecycle.Pausable;
import io.jkvm.core.lifecycle.PauseTimeoutException;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.virtio.ConfigSpace;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.transport.QueueRegisters;
import io.jkvm.devices.virtio.transport.VirtioFunction;
import io.jkvm.devices.virtio.transport.VirtioHost;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A virtio device behind memory-mapped registers, version 2 (virtio 1.2, section 4.2).
 *
 * <p>Registers answer to aligned 32-bit accesses only; other accesses read 0 and write nothing. The
 * configuration space takes every size. A write of 0 to Status returns when the request in flight
 * is finished, however long that takes: drivers free the buffers then without a look at the status.
 * Lock order: this object, then the {@link VirtioFunction}.
 */
public final class VirtioMmio implements BusDevice, Pausable, AutoCloseable {
  /** How many bytes of guest-physical address space the registers take. */
  public static final long RANGE_BYTES = 0x1000;

  private static final int MAGIC = 0x74726976;
  private static final int VERSION = 2;
  private static final int VENDOR_ID = 0x4d564b4a;
  private static final long CONFIG = 0x100;
  private static final long QUEUE_NOTIFY = 0x50;
  private static final int INTERRUPT_USED_BUFFER = 1;
  private static final int INTERRUPT_CONFIG_CHANGE = 2;

  private final VirtioDevice device;
  private final ConfigSpace config;
  private final EdgeIrq interrupt;
  private final AtomicInteger interruptStatus = new AtomicInteger();
  private final VirtioFunction state;

  /**
   * A transport for one device.
   *
   * @param interrupt is raised after InterruptStatus is set
   * @param address guest-physical, where the registers are to be mapped
   * @throws LinuxException if the host has no more eventfds
   */
  public VirtioMmio(VirtioDevice device, VirtioHost host, EdgeIrq interrupt, long address)
      throws LinuxException {
    this.device = device;
    this.interrupt = interrupt;
    config = device.config();
    state = new VirtioFunction(device, host, new MmioInterrupts(), false);
    for (int queue = 0; queue < state.queueCount(); queue++) {
      // What is refused comes by an exit; what is attached is let go of with the VM.
      host.doorbells().attach(state.notify(queue), Doorbell.write32(address + QUEUE_NOTIFY, queue));
    }
  }

  public VirtioDevice device() {
    return device;
  }

  @Override
  public long read(long offset, int size) {
    if (offset >= CONFIG) {
      return config.read(offset - CONFIG, size);
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
        return device.type().deviceId();
      case 0x00c:
        return VENDOR_ID;
      case 0x010:
        return state.offeredFeatures();
      case 0x034: // QueueNumMax
        return state.maxQueueSize();
      case 0x044:
        return state.queueReady() ? 1 : 0;
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
      config.write(offset - CONFIG, size, value);
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
        state.selectors().deviceFeatures = value;
        break;
      case 0x020:
        state.acceptFeatures(value);
        break;
      case 0x024:
        state.selectors().driverFeatures = value;
        break;
      case 0x030:
        state.selectors().queue = value;
        break;
      case 0x044:
        state.setQueueReady((value & 1) != 0);
        break;
      case 0x064: // InterruptACK
        interruptStatus.getAndAccumulate(value, (status, acknowledged) -> status & ~acknowledged);
        break;
      case 0x070:
        state.writeStatus(value);
        break;
      default:
        QueueRegisters queue = state.changeableSettings();
        if (queue != null) {
          writeQueueSetting(queue, offset, value);
        }
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

  @Override
  public void pause() throws PauseTimeoutException {
    state.pause();
  }

  @Override
  public void resume() {
    state.resume();
  }

  /**
   * Ends the queues' services, so that guest RAM may be unmapped. No vCPU may run any more.
   *
   * @throws io.jkvm.core.lifecycle.CloseStack.StillInUse if a request hangs in the host
   */
  @Override
  public void close() {
    state.close();
  }

  /** Called by the queues' services, so it takes no lock: a reset waits for them. */
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
      interrupt.raise();
    }
  }
}
