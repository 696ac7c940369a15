// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.mmio;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import io.jkvm.devices.virtio.testing.RecordingDoorbells;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import io.jkvm.devices.virtio.transport.VirtioHost;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A block device without data behind virtio-mmio, and a driver for it. */
abstract class MmioFixture {
  static final long DATA = 0x10000;
  static final long HEADER = 0x8000;
  static final long STATUS = 0x8100;
  static final long ADDRESS = 0xd000_0000L;

  final RecordingBackend backend = new RecordingBackend(1 << 20, false);
  final RecordingDoorbells doorbells = new RecordingDoorbells();
  GuestMemory memory;
  EventFd interrupt;
  VirtioMmio mmio;
  MmioDriver driver;
  SplitRingDriver ring;

  @BeforeEach
  final void make() throws Exception {
    memory = GuestMemory.allocate(16 << 20);
    interrupt = new EventFd();
    mmio = attach(TestHost.of(memory, doorbells));
    driver = new MmioDriver(mmio);
    ring = new SplitRingDriver(memory, 16, 0x1000);
  }

  @AfterEach
  final void close() {
    mmio.close();
    interrupt.close();
    memory.close();
  }

  final VirtioMmio attach(VirtioHost host) throws LinuxException {
    return new VirtioMmio(new VirtioBlock(backend, "test"), host, interrupt::signal, ADDRESS);
  }

  /** Offers a read of the first sector without a notification. */
  final void addRead() throws GuestFault {
    memory.writeU64(HEADER, 0);
    memory.writeU64(HEADER + 8, 0);
    ring.add(Buffer.out(HEADER, 16), Buffer.in(DATA, 512), Buffer.in(STATUS, 1));
  }

  /** The threads of the device's queues that live now. */
  static long queueThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(
            thread -> thread.getName().startsWith(TestHost.MACHINE + "/virtio-blk recorded queue"))
        .count();
  }
}
