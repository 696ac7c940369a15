// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.pci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.bus.IoBus;
import io.jkvm.core.irq.SharedIrqLine;
import io.jkvm.core.kvm.KvmMsiRouter;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.testing.AsmGuest;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.devices.pci.PciConfigPorts;
import io.jkvm.devices.pci.testing.PciMachine;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.rng.VirtioRng;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.PciDriver;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest on the real KVM that writes garbage over the whole of PCI space. */
@RequiresKvm
@Timeout(300)
class PciGarbageGuestTest {
  private static final int SLOT = 1;

  private final PciMachine machine = new PciMachine();
  private final List<AutoCloseable> devices = new ArrayList<>();
  private GuestMemory memory;

  private static BusDevice part(IoBus bus, long base) {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return bus.read(base + offset, size);
      }

      @Override
      public void write(long offset, int size, long value) {
        bus.write(base + offset, size, value);
      }
    };
  }

  private void addDevices(AsmGuest.Parts parts) {
    memory = parts.memory();
    KvmMsiRouter messages = parts.vm().createMsiRouter();
    devices.add(messages);
    SharedIrqLine line = new SharedIrqLine(parts.vm().irqLine(17));
    List<VirtioDevice> models =
        List.of(
            new VirtioBlock(new RecordingBackend(1 << 20, false), "x"),
            new VirtioRng(),
            new VirtioBlock(new RecordingBackend(1 << 20, true), "y"));
    int slot = SLOT;
    for (VirtioDevice model : models) {
      try {
        VirtioPci pci =
            new VirtioPci(
                model, TestHost.of(memory, parts.vm().doorbells()), messages, line.newInput(), 17);
        devices.add(pci);
        machine.bus().add(slot++, pci);
      } catch (LinuxException e) {
        throw new UncheckedIOException(e);
      }
    }
    parts.ports().map(PciConfigPorts.PORT, 8, "PCI", part(machine.ports(), PciConfigPorts.PORT));
    long length = PciMachine.WINDOW_END - PciMachine.WINDOW;
    parts.mmio().map(PciMachine.WINDOW, length, "PCI", part(machine.memory(), PciMachine.WINDOW));
  }

  @Test
  void theVmStopsCleanlyAndTheDeviceWorksAgainAfterAReset() throws Exception {
    try (AsmGuest guest = new AsmGuest("r3-pci-garbage", true, this::addDevices)) {
      assertEquals(StopReason.Kind.GUEST_RESET, guest.runToEnd().kind());
      assertTrue(guest.serialOutput().contains("garbage written"), guest.serialOutput());
      for (int slot = SLOT; slot < SLOT + 3; slot++) {
        machine.command(slot, 0, 0x402);
      }
      machine.placeBar(SLOT, 0, 0xe100_0000L);
      machine.placeBar(SLOT, 1, 0xe200_0000L);
      PciDriver driver = new PciDriver(machine, SLOT);
      driver.enable();
      driver.status(0);
      assertEquals(0, driver.status());
      SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
      driver.start(ring);
      memory.writeU64(0x8000, 0);
      memory.writeU64(0x8008, 0);
      ring.add(Buffer.out(0x8000, 16), Buffer.in(0x10000, 512), Buffer.in(0x8100, 1));
      assertTrue(driver.notifyAndAwait(ring, 1));
      for (int i = devices.size() - 1; i >= 0; i--) {
        devices.get(i).close();
      }
    }
  }
}
