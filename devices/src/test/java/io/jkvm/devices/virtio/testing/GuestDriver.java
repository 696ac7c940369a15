// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import io.jkvm.core.lifecycle.Pausable;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.pci.testing.PciMachine;
import io.jkvm.devices.pci.testing.RecordingVectors;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.transport.VirtioHost;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;
import io.jkvm.devices.virtio.transport.pci.VirtioPci;
import java.util.concurrent.atomic.AtomicInteger;

/** A device behind either transport with a driver for it, for tests of what both have to do. */
public interface GuestDriver extends AutoCloseable {
  /** The transports there are. */
  enum Transport {
    MMIO {
      @Override
      public GuestDriver attach(VirtioDevice device, VirtioHost host) throws LinuxException {
        return new Mmio(device, host);
      }
    },
    PCI {
      @Override
      public GuestDriver attach(VirtioDevice device, VirtioHost host) throws LinuxException {
        return new Pci(device, host);
      }
    };

    public abstract GuestDriver attach(VirtioDevice device, VirtioHost host) throws LinuxException;
  }

  /** The transport under test. */
  Pausable device();

  int status();

  void status(int value);

  /** From reset to FEATURES_OK with all that is offered but some. */
  void negotiateWithout(long features);

  void setUpQueue(int queue, SplitRingDriver ring);

  void driverOk();

  void notifyQueue(int queue);

  /** Interrupts since the last call, of all queues. */
  int takeInterrupts();

  @Override
  void close();

  /** Virtio-mmio. */
  final class Mmio implements GuestDriver {
    private final AtomicInteger interrupts = new AtomicInteger();
    private final VirtioMmio device;
    private final MmioDriver driver;

    Mmio(VirtioDevice model, VirtioHost host) throws LinuxException {
      device = new VirtioMmio(model, host, interrupts::incrementAndGet, 0xd000_0000L);
      driver = new MmioDriver(device);
    }

    /** Access to every register. */
    public MmioDriver driver() {
      return driver;
    }

    @Override
    public Pausable device() {
      return device;
    }

    @Override
    public int status() {
      return driver.status();
    }

    @Override
    public void status(int value) {
      driver.status(value);
    }

    @Override
    public void negotiateWithout(long features) {
      driver.status(0);
      driver.negotiate(driver.offeredFeatures() & ~features);
    }

    @Override
    public void setUpQueue(int queue, SplitRingDriver ring) {
      driver.setUpQueue(queue, ring);
    }

    @Override
    public void driverOk() {
      driver.driverOk();
    }

    @Override
    public void notifyQueue(int queue) {
      driver.notifyQueue(queue);
    }

    @Override
    public int takeInterrupts() {
      return interrupts.getAndSet(0);
    }

    @Override
    public void close() {
      device.close();
    }
  }

  /** Virtio-pci with MSI-X, the vector of a queue being its number plus 1. */
  final class Pci implements GuestDriver {
    private static final int SLOT = 3;
    private static final int MSIX_ENABLE = 0x8000;

    private final PciMachine machine = new PciMachine();
    private final RecordingVectors vectors = new RecordingVectors();
    private final VirtioPci device;
    private final PciDriver driver = new PciDriver(machine, SLOT);
    private final long[] doorbells;

    Pci(VirtioDevice model, VirtioHost host) throws LinuxException {
      device = new VirtioPci(model, host, vectors, asserted -> {}, 21);
      doorbells = new long[model.queueSizes().length];
      machine.bus().add(SLOT, device);
      driver.enable();
      driver.msixControl(MSIX_ENABLE);
      for (int vector = 0; vector <= doorbells.length; vector++) {
        driver.msixEntry(vector, 0xfee0_0000L, 0x40 + vector, 0);
      }
    }

    @Override
    public Pausable device() {
      return device;
    }

    @Override
    public int status() {
      return driver.status();
    }

    @Override
    public void status(int value) {
      driver.status(value);
    }

    @Override
    public void negotiateWithout(long features) {
      driver.status(0);
      driver.negotiate(driver.offeredFeatures() & ~features);
      driver.configVector(0);
    }

    @Override
    public void setUpQueue(int queue, SplitRingDriver ring) {
      driver.setUpQueue(queue, ring);
      driver.queueVector(queue, queue + 1);
      doorbells[queue] = driver.notifyAddress(queue);
    }

    @Override
    public void driverOk() {
      driver.driverOk();
    }

    @Override
    public void notifyQueue(int queue) {
      machine.memory().write(doorbells[queue], 2, queue);
    }

    @Override
    public int takeInterrupts() {
      return vectors.takeSent().size();
    }

    @Override
    public void close() {
      device.close();
    }
  }
}
