// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.pci;

import io.jkvm.devices.virtio.transport.QueueRegisters;
import io.jkvm.devices.virtio.transport.Selectors;
import io.jkvm.devices.virtio.transport.VirtioFunction;

/**
 * The common configuration structure (virtio 1.2, section 4.1.4.3). Fields take accesses of their
 * own width, 64-bit fields also as two halves; other accesses read 0 and write nothing. Callers
 * hold the device's lock.
 */
final class VirtioPciCommon {
  /** Up to and with queue_device; queue_notify_data and queue_reset are not offered. */
  static final int BYTES = 0x38;

  private static final int DEVICE_STATUS = 0x14;

  private final VirtioFunction state;
  private final VirtioPciInterrupts interrupts;
  private final Selectors selectors;

  VirtioPciCommon(VirtioFunction state, VirtioPciInterrupts interrupts) {
    selectors = state.selectors();
    this.state = state;
    this.interrupts = interrupts;
  }

  long read(int offset, int size) {
    if (size == 8 && offset >= 0x20 && offset % 8 == 0) {
      return read(offset, 4) | read(offset + 4, 4) << 32;
    }
    if (size != width(offset)) {
      return 0;
    }
    return Integer.toUnsignedLong(readField(offset));
  }

  private static int width(int offset) {
    return switch (offset) {
      case 0x00, 0x04, 0x08, 0x0c, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34 -> 4;
      case 0x10, 0x12, 0x16, 0x18, 0x1a, 0x1c, 0x1e -> 2;
      case 0x14, 0x15 -> 1;
      default -> 0;
    };
  }

  private int readField(int offset) {
    QueueRegisters queue = state.settings();
    return switch (offset) {
      case 0x00 -> selectors.deviceFeatures;
      case 0x04 -> state.offeredFeatures();
      case 0x08 -> selectors.driverFeatures;
      case 0x0c -> state.acceptedFeatures();
      case 0x10 -> interrupts.configVector();
      case 0x12 -> state.queueCount();
      case DEVICE_STATUS -> state.status();
      case 0x15 -> state.configGeneration() & 0xff;
      case 0x16 -> selectors.queue;
      case 0x1a -> interrupts.queueVector(selectors.queue);
      default -> queue == null ? 0 : readQueueField(queue, offset);
    };
  }

  private int readQueueField(QueueRegisters queue, int offset) {
    return switch (offset) {
      case 0x18 -> queue.size == 0 ? state.maxQueueSize() : queue.size;
      case 0x1c -> queue.ready ? 1 : 0;
      case 0x1e -> selectors.queue; // queue_notify_off
      case 0x20 -> (int) queue.descriptors;
      case 0x24 -> (int) (queue.descriptors >>> 32);
      case 0x28 -> (int) queue.avail;
      case 0x2c -> (int) (queue.avail >>> 32);
      case 0x30 -> (int) queue.used;
      case 0x34 -> (int) (queue.used >>> 32);
      default -> 0;
    };
  }

  void write(int offset, int size, long value) {
    if (size == 8 && offset >= 0x20 && offset % 8 == 0) {
      write(offset, 4, value & 0xffff_ffffL);
      write(offset + 4, 4, value >>> 32);
    } else if (size == width(offset)) {
      writeField(offset, (int) value);
    }
  }

  /** The same for who holds locks that other vCPUs need: a reset goes on after this returns. */
  void writeWithoutWaiting(int offset, int size, long value) {
    if (offset == DEVICE_STATUS && size == 1) {
      state.writeStatusWithoutWaiting((int) value);
    } else {
      write(offset, size, value);
    }
  }

  private void writeField(int offset, int value) {
    switch (offset) {
      case 0x00 -> selectors.deviceFeatures = value;
      case 0x08 -> selectors.driverFeatures = value;
      case 0x0c -> state.acceptFeatures(value);
      case 0x10 -> interrupts.configVector(value);
      case DEVICE_STATUS -> state.writeStatus(value);
      case 0x16 -> selectors.queue = value;
      case 0x1a -> interrupts.queueVector(selectors.queue, value);
      default -> {
        QueueRegisters queue = state.changeableSettings();
        if (queue != null) {
          writeQueueField(queue, offset, value);
        }
      }
    }
  }

  private void writeQueueField(QueueRegisters queue, int offset, int value) {
    switch (offset) {
      case 0x18 -> queue.size = value;
      case 0x1c -> enable(queue, value);
      case 0x20 -> queue.descriptors = QueueRegisters.withLow(queue.descriptors, value);
      case 0x24 -> queue.descriptors = QueueRegisters.withHigh(queue.descriptors, value);
      case 0x28 -> queue.avail = QueueRegisters.withLow(queue.avail, value);
      case 0x2c -> queue.avail = QueueRegisters.withHigh(queue.avail, value);
      case 0x30 -> queue.used = QueueRegisters.withLow(queue.used, value);
      case 0x34 -> queue.used = QueueRegisters.withHigh(queue.used, value);
      default -> {}
    }
  }

  /** Only 1 has a meaning: a queue is taken out of use by a reset (section 4.1.4.3.2). */
  private void enable(QueueRegisters queue, int value) {
    if (value == 1) {
      if (queue.size == 0) {
        queue.size = state.maxQueueSize(); // what a driver reads that did not write
      }
      state.setQueueReady(true);
    }
  }
}
