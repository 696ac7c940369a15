// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.mmio;

import static io.jkvm.devices.virtio.testing.MmioDriver.ACKNOWLEDGE;
import static io.jkvm.devices.virtio.testing.MmioDriver.DRIVER;
import static io.jkvm.devices.virtio.testing.MmioDriver.DRIVER_OK;
import static io.jkvm.devices.virtio.testing.MmioDriver.FEATURES_OK;
import static io.jkvm.devices.virtio.testing.MmioDriver.NEEDS_RESET;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.Doorbell;
import io.jkvm.devices.virtio.VirtioFeatures;
import io.jkvm.devices.virtio.testing.MmioDriver;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Registers and negotiation of virtio 1.2, sections 2.1, 2.2, 3.1 and 4.2. */
@Timeout(300)
class VirtioMmioTest extends MmioFixture {
  private static final int NEGOTIATED = ACKNOWLEDGE | DRIVER | FEATURES_OK;

  @Test
  void identification() {
    assertEquals(0x74726976, driver.read(0x00));
    assertEquals(2, driver.read(0x04));
    assertEquals(2, driver.read(0x08));
    assertEquals(0, driver.status());
    assertEquals(0, driver.read(0xfc));
    for (int shared = 0xb0; shared <= 0xbc; shared += 4) {
      assertEquals(-1, driver.read(shared));
    }
  }

  @Test
  void registersTakeAligned32BitAccessesOnly() {
    for (int size : new int[] {1, 2, 8}) {
      assertEquals(0, mmio.read(0, size));
      mmio.write(0x70, size, 1);
      assertEquals(0, driver.status());
    }
    assertEquals(0, mmio.read(2, 4));
    assertEquals(0, mmio.read(0xfc, 8));
    assertEquals(0x74726976L, mmio.read(0, 4));
  }

  @Test
  void configurationTakesAnySize() {
    assertEquals(2048, mmio.read(0x100, 8));
    assertEquals(2048, mmio.read(0x100, 4));
    assertEquals(2048, mmio.read(0x100, 2));
    assertEquals(8, mmio.read(0x101, 1));
    assertEquals(0, mmio.read(VirtioMmio.RANGE_BYTES - 8, 8));
    mmio.write(0x100, 8, 1);
    mmio.write(VirtioMmio.RANGE_BYTES - 1, 1, 1);
    assertEquals(2048, mmio.read(0x100, 8));
  }

  @Test
  void offeredFeaturesComeIn32BitWindows() {
    long offered = driver.offeredFeatures();
    assertEquals(7L << 28 & ~(1L << 30) | 1L << 32, offered & 0xffff_ffff_f000_0000L);
    for (int selector : new int[] {2, 3, 32, -1, Integer.MIN_VALUE}) {
      driver.write(MmioDriver.DEVICE_FEATURES_SEL, selector);
      assertEquals(0, driver.read(MmioDriver.DEVICE_FEATURES));
    }
  }

  @Test
  void goodNegotiationIsAccepted() {
    assertEquals(NEGOTIATED, driver.negotiate(driver.offeredFeatures()));
    assertEquals(NEGOTIATED, driver.negotiate(VirtioFeatures.VERSION_1));
  }

  @Test
  void featuresThatWereNotOfferedAreRefused() {
    long offered = driver.offeredFeatures();
    for (int bit = 0; bit < 64; bit++) {
      if ((offered & 1L << bit) == 0) {
        assertEquals(ACKNOWLEDGE | DRIVER, driver.negotiate(VirtioFeatures.VERSION_1 | 1L << bit));
        driver.driverOk();
        assertEquals(ACKNOWLEDGE | DRIVER, driver.status());
      }
    }
    driver.status(0);
    driver.status(ACKNOWLEDGE | DRIVER);
    driver.acceptFeatures(VirtioFeatures.VERSION_1);
    driver.write(MmioDriver.DRIVER_FEATURES_SEL, 2);
    driver.write(MmioDriver.DRIVER_FEATURES, 1);
    driver.status(NEGOTIATED);
    assertEquals(ACKNOWLEDGE | DRIVER, driver.status());
  }

  @Test
  void version1IsRequired() {
    assertEquals(ACKNOWLEDGE | DRIVER, driver.negotiate(0));
    assertEquals(
        ACKNOWLEDGE | DRIVER,
        driver.negotiate(driver.offeredFeatures() & ~VirtioFeatures.VERSION_1));
  }

  @Test
  void featuresNeedADriver() {
    driver.acceptFeatures(VirtioFeatures.VERSION_1);
    driver.status(FEATURES_OK);
    assertEquals(0, driver.status());
    driver.status(ACKNOWLEDGE | FEATURES_OK);
    assertEquals(ACKNOWLEDGE, driver.status());
  }

  @Test
  void featuresAreFixedByFeaturesOk() throws Exception {
    driver.negotiate(VirtioFeatures.VERSION_1);
    driver.acceptFeatures(driver.offeredFeatures());
    driver.setUpQueue(0, ring);
    driver.driverOk();
    // Without the event index, notifications are wanted again by a flag.
    addRead();
    ring.usedEvent(100);
    assertTrue(driver.notifyAndAwait(ring, 1));
    assertTrue(interrupt.await(120_000));
  }

  @Test
  void driverOkNeedsFeaturesOk() {
    driver.status(0);
    driver.status(ACKNOWLEDGE | DRIVER | DRIVER_OK);
    assertEquals(ACKNOWLEDGE | DRIVER, driver.status());
    assertEquals(0, queueThreads());
  }

  @Test
  void statusBitsAreOnlyAddedAndTheDevicesOwnCanNotBeSet() {
    driver.status(ACKNOWLEDGE);
    driver.status(DRIVER);
    assertEquals(ACKNOWLEDGE | DRIVER, driver.status());
    driver.status(NEEDS_RESET | 16 | 32 | 0xffff_ff00);
    assertEquals(ACKNOWLEDGE | DRIVER, driver.status());
    driver.status(128);
    assertEquals(ACKNOWLEDGE | DRIVER | 128, driver.status());
    driver.status(0);
    assertEquals(0, driver.status());
  }

  @Test
  void queueRegistersNeedTheRightPhase() {
    driver.status(ACKNOWLEDGE | DRIVER);
    driver.setUpQueue(0, ring);
    assertEquals(0, driver.read(MmioDriver.QUEUE_READY), "before FEATURES_OK");
    driver.negotiate(VirtioFeatures.VERSION_1);
    driver.setUpQueue(0, ring);
    assertEquals(1, driver.read(MmioDriver.QUEUE_READY));
    // All of this comes too late and would break the queue.
    driver.setUpQueue(0, 3, 1, 1, 1);
    driver.driverOk();
    driver.setUpQueue(0, 3, 1, 1, 1);
    assertEquals(NEGOTIATED | DRIVER_OK, driver.status());
  }

  @Test
  void queueReadyAfterDriverOkIsIgnored() {
    driver.negotiate(VirtioFeatures.VERSION_1);
    driver.driverOk();
    driver.setUpQueue(0, ring);
    assertEquals(0, driver.read(MmioDriver.QUEUE_READY));
    assertEquals(0, queueThreads());
  }

  @Test
  void queuesThatDoNotExist() {
    driver.negotiate(VirtioFeatures.VERSION_1);
    for (int queue : new int[] {1, 2, 0xffff, 0x10000, -1, Integer.MIN_VALUE}) {
      driver.setUpQueue(queue, ring);
      assertEquals(0, driver.read(MmioDriver.QUEUE_NUM_MAX));
      assertEquals(0, driver.read(MmioDriver.QUEUE_READY));
      driver.notifyQueue(queue);
    }
    driver.write(MmioDriver.QUEUE_SEL, 0);
    assertEquals(256, driver.read(MmioDriver.QUEUE_NUM_MAX));
    assertEquals(0, driver.read(MmioDriver.QUEUE_READY));
  }

  @Test
  void queueResetIsNotOffered() {
    assertEquals(0, driver.offeredFeatures() & 1L << 40);
    driver.start(ring);
    driver.write(0xc0, 1);
    assertEquals(0, driver.read(0xc0));
    assertEquals(1, driver.read(MmioDriver.QUEUE_READY));
  }

  @Test
  void requestAndInterrupt() throws Exception {
    driver.start(ring);
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 1));
    assertTrue(interrupt.await(120_000));
    assertEquals(1, driver.read(MmioDriver.INTERRUPT_STATUS));
    assertEquals(513, ring.usedLength(0));
    driver.write(MmioDriver.INTERRUPT_ACK, 2);
    assertEquals(1, driver.read(MmioDriver.INTERRUPT_STATUS));
    driver.write(MmioDriver.INTERRUPT_ACK, 1);
    assertEquals(0, driver.read(MmioDriver.INTERRUPT_STATUS));
  }

  @Test
  void queueNotifyEventFdWakesTheQueueToo() throws Exception {
    Doorbell doorbell = Doorbell.write32(ADDRESS + MmioDriver.QUEUE_NOTIFY, 0);
    assertEquals(Set.of(doorbell), doorbells.attached.keySet());
    driver.start(ring);
    addRead();
    doorbells.ring(doorbell);
    assertTrue(interrupt.await(120_000));
    assertEquals(1, ring.usedIndex());
  }

  @Test
  void interruptsThatTheDriverDoesNotWantAreNotSent() throws Exception {
    driver.start(ring);
    ring.usedEvent(1);
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 1));
    assertFalse(interrupt.await(200));
    assertEquals(0, driver.read(MmioDriver.INTERRUPT_STATUS));
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 2));
    assertTrue(interrupt.await(120_000));
  }

  @Test
  void requestsOfferedBeforeDriverOkAreServed() throws Exception {
    driver.negotiate(driver.offeredFeatures());
    driver.setUpQueue(0, ring);
    addRead();
    assertEquals(0, ring.usedIndex());
    driver.driverOk();
    assertTrue(interrupt.await(120_000));
    assertEquals(1, ring.usedIndex());
  }

  @Test
  void aBrokenQueueNeedsAReset() throws Exception {
    long[][] bad = {
      {0, 0x1000, 0x2000, 0x3000},
      {3, 0x1000, 0x2000, 0x3000},
      {512, 0x1000, 0x2000, 0x3000},
      {16, 0x1001, 0x2000, 0x3000},
      {16, 0x1000, 0x2001, 0x3000},
      {16, 0x1000, 0x2000, 0x3002},
      {16, -16, 0x2000, 0x3000},
      {16, 0x1000, 0x8000_0000_0000_0000L, 0x3000},
    };
    for (long[] b : bad) {
      driver.negotiate(driver.offeredFeatures());
      driver.setUpQueue(0, (int) b[0], b[1], b[2], b[3]);
      driver.driverOk();
      assertEquals(NEGOTIATED | DRIVER_OK | NEEDS_RESET, driver.status());
      assertEquals(2, driver.read(MmioDriver.INTERRUPT_STATUS));
      assertTrue(interrupt.clear());
      assertEquals(0, queueThreads());
    }
    driver.start(ring);
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 1), "a reset heals");
  }

  @Test
  void queueAddressesHave64Bits() throws Exception {
    driver.negotiate(driver.offeredFeatures());
    driver.setUpQueue(0, 16, 1L << 32 | ring.descriptors(), ring.avail(), ring.used());
    driver.driverOk();
    assertEquals(NEEDS_RESET, driver.status() & NEEDS_RESET);
  }
}
