// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.pci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.virtio.testing.GuestRam;
import io.jkvm.devices.virtio.testing.MmioDriver;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** PCI Local Bus 3.0, section 6.2.2: the function accesses memory only while it may. */
@Timeout(300)
class BusMasterTest extends PciFixture {
  private static final int MEMORY = 2;
  private static final int BUS_MASTER = 4;
  private static final int RAM = 1 << 20;
  private static final int STATUS = 0x14;

  private void startWithMsix() {
    driver.start(ring);
    driver.msixEntry(1, 0xfee0_0000L, 0x51, 0);
    driver.msixControl(0x8000);
    driver.queueVector(0, 1);
  }

  /** The request ends when the latch is counted down. */
  private CountDownLatch startWithARequestThatWaits() throws Exception {
    startWithMsix();
    CountDownLatch gate = new CountDownLatch(1);
    backend.gate(gate);
    addRead();
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(backend::entered));
    return gate;
  }

  @Test
  void withoutItNothingIsServedUntilItComesBack() throws Exception {
    startWithMsix();
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 1));
    machine.command(SLOT, 0, BUS_MASTER);
    vectors.takeSent();
    addRead();
    GuestRam ram = new GuestRam(memory, RAM);
    driver.notifyQueue(0);
    // To be paused as well changes nothing, and shows that the queue is at rest.
    pci.pause();
    pci.resume();
    ram.assertUnchanged();
    assertEquals(List.of(), vectors.takeSent());
    machine.command(SLOT, BUS_MASTER, 0);
    assertTrue(MmioDriver.await(() -> ring.usedIndex() == 2));
    assertFalse(vectors.awaitSent(120_000).isEmpty());
  }

  /** A kernel that is started by another clears it and counts on that. */
  @Test
  void theRequestInFlightIsWaitedFor() throws Exception {
    CountDownLatch gate = startWithARequestThatWaits();
    Thread vcpu = new Thread(() -> machine.command(SLOT, 0, BUS_MASTER));
    vcpu.start();
    assertTrue(MmioDriver.await(() -> vcpu.getState() == Thread.State.TIMED_WAITING));
    gate.countDown();
    vcpu.join(120_000);
    assertFalse(vcpu.isAlive());
    assertEquals(1, ring.usedIndex());
  }

  @Test
  void aQueueThatIsStartedWithoutItBeginsAtRest() throws Exception {
    machine.command(SLOT, MEMORY, BUS_MASTER);
    driver.negotiate(driver.offeredFeatures());
    driver.setUpQueue(0, ring);
    addRead();
    GuestRam ram = new GuestRam(memory, RAM);
    driver.driverOk();
    driver.notifyQueue(0);
    pci.pause();
    ram.assertUnchanged();
    machine.command(SLOT, BUS_MASTER, 0);
    ram.assertUnchanged();
    pci.resume();
    assertTrue(MmioDriver.await(() -> ring.usedIndex() == 1));
  }

  /** With the PCI bus's lock held no vCPU must be kept waiting for the host's disk. */
  @Test
  void aResetThroughConfigurationSpaceDoesNotWait() throws Exception {
    CountDownLatch gate = startWithARequestThatWaits();
    driver.writeThroughConfig(0, STATUS, 1, 0);
    assertTrue(driver.readThroughConfig(0, STATUS, 1) != 0, "a request is in flight");
    gate.countDown();
    assertTrue(MmioDriver.await(() -> driver.readThroughConfig(0, STATUS, 1) == 0));
    assertEquals(1, backend.calls().size());
  }

  /** What other vCPUs do with the bus's lock held does not wait for a reset that waits. */
  @Test
  void aResetThatWaitsDoesNotHoldTheBus() throws Exception {
    CountDownLatch gate = startWithARequestThatWaits();
    Thread resetting = new Thread(() -> driver.write(STATUS, 1, 0));
    resetting.start();
    assertTrue(MmioDriver.await(() -> resetting.getState() == Thread.State.TIMED_WAITING));
    machine.command(SLOT, 0, MEMORY);
    machine.command(SLOT, MEMORY, 0);
    assertEquals(-1, driver.readThroughConfig(0, STATUS, 1));
    assertTrue(resetting.isAlive(), "all of that took longer than a reset waits");
    gate.countDown();
    resetting.join(120_000);
    assertEquals(0, driver.readThroughConfig(0, STATUS, 1));
  }
}
