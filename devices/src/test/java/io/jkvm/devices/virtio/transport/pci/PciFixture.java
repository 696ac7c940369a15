// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.pci;

import io.jkvm.core.irq.IrqLine;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.pci.testing.PciMachine;
import io.jkvm.devices.pci.testing.RecordingVectors;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.PciDriver;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import io.jkvm.devices.virtio.testing.RecordingDoorbells;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import io.jkvm.devices.virtio.transport.VirtioHost;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A block device without data on a PCI bus, and a driver for it. */
abstract class PciFixture {
  static final int SLOT = 5;
  static final long DATA = 0x10000;
  static final long HEADER = 0x8000;
  static final long STATUS = 0x8100;

  final RecordingBackend backend = new RecordingBackend(1 << 20, false);
  final PciMachine machine = new PciMachine();
  final RecordingVectors vectors = new RecordingVectors();
  final RecordingDoorbells doorbells = new RecordingDoorbells();
  volatile boolean intx;
  GuestMemory memory;
  VirtioPci pci;
  PciDriver driver;
  SplitRingDriver ring;

  @BeforeEach
  final void make() throws Exception {
    memory = GuestMemory.allocate(16 << 20);
    IrqLine line = asserted -> intx = asserted;
    VirtioBlock block = new VirtioBlock(backend, "test");
    pci = new VirtioPci(block, host(), vectors, line, 21);
    machine.bus().add(SLOT, pci);
    driver = new PciDriver(machine, SLOT);
    ring = new SplitRingDriver(memory, 16, 0x1000);
  }

  /** The machine around the device. */
  VirtioHost host() {
    return TestHost.of(memory, doorbells);
  }

  @AfterEach
  final void close() {
    pci.close();
    memory.close();
  }

  /** Offers a read of the first sector without a notification. */
  final void addRead() throws GuestFault {
    memory.writeU64(HEADER, 0);
    memory.writeU64(HEADER + 8, 0);
    ring.add(Buffer.out(HEADER, 16), Buffer.in(DATA, 512), Buffer.in(STATUS, 1));
  }
}
