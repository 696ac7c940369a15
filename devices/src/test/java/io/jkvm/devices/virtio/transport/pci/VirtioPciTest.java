// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.pci;

import static io.jkvm.devices.virtio.testing.PciDriver.ACKNOWLEDGE;
import static io.jkvm.devices.virtio.testing.PciDriver.DRIVER;
import static io.jkvm.devices.virtio.testing.PciDriver.DRIVER_OK;
import static io.jkvm.devices.virtio.testing.PciDriver.FEATURES_OK;
import static io.jkvm.devices.virtio.testing.PciDriver.NEEDS_RESET;
import static io.jkvm.devices.virtio.testing.PciDriver.NO_VECTOR;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.Doorbell;
import io.jkvm.core.linux.EventFd;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.PciDriver;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Virtio 1.2, section 4.1. */
@Timeout(300)
class VirtioPciTest extends PciFixture {
  private static final int NEGOTIATED = ACKNOWLEDGE | DRIVER | FEATURES_OK;
  private static final int MSIX_ENABLE = 0x8000;
  private static final int INTX_DISABLE = 0x400;
  private static final int STATUS_INTERRUPT = 8;

  private void serveOne(int usedIndex) throws Exception {
    addRead();
    assertTrue(driver.notifyAndAwait(ring, usedIndex));
  }

  @Test
  void identification() {
    assertEquals(0x10421af4, machine.readConfig(SLOT, 0, 4));
    assertEquals(0x01800001, machine.readConfig(SLOT, 8, 4));
    assertEquals(0x10421af4, machine.readConfig(SLOT, 0x2c, 4));
    assertEquals(0x0115, machine.readConfig(SLOT, 0x3c, 2), "INTA#, line 21");
    assertEquals(0x10, machine.readConfig(SLOT, 6, 2), "capabilities, no interrupt");
  }

  @Test
  void everyStructureHasACapability() {
    for (int type = 1; type <= 5; type++) {
      int at = driver.capability(type);
      assertNotEquals(0, at, "type " + type);
      boolean longer = type == PciDriver.NOTIFY_CFG || type == PciDriver.PCI_CFG;
      assertEquals(longer ? 20 : 16, machine.readConfig(SLOT, at + 2, 1));
      int offset = machine.readConfig(SLOT, at + 8, 4);
      int length = machine.readConfig(SLOT, at + 12, 4);
      assertTrue(offset % 4 == 0 && length >= 0 && offset + length <= 0x4000);
    }
    assertEquals(0x38, machine.readConfig(SLOT, driver.capability(1) + 12, 4));
    assertEquals(4, machine.readConfig(SLOT, driver.capability(2) + 16, 4), "multiplier");
    assertEquals(4, machine.readConfig(SLOT, driver.capability(2) + 12, 4), "one queue");
    assertEquals(1, machine.readConfig(SLOT, driver.msixCapability() + 2, 2), "two vectors");
  }

  @Test
  void structuresHaveAPageEach() {
    driver.enable();
    assertEquals(2048, driver.readDeviceConfig(0, 8));
    assertEquals(0, driver.readDeviceConfig(0xffc, 8));
    assertEquals(0, driver.isr());
    assertEquals(0, machine.memory().read(driver.address(PciDriver.ISR_CFG) + 1, 1));
    assertEquals(0, machine.memory().read(driver.address(PciDriver.NOTIFY_CFG), 2));
    assertEquals(0, machine.memory().read(driver.address(PciDriver.COMMON_CFG) + 0x38, 4));
  }

  @Test
  void fieldsTakeTheirOwnWidthOnly() {
    driver.enable();
    driver.status(ACKNOWLEDGE);
    for (int[] wrong : new int[][] {{0x14, 2}, {0x14, 4}, {0x12, 4}, {0, 2}, {1, 1}, {0x13, 1}}) {
      assertEquals(0, driver.read(wrong[0], wrong[1]));
      driver.write(wrong[0], wrong[1], 0);
    }
    assertEquals(ACKNOWLEDGE, driver.status());
    assertEquals(1, driver.read(0x12, 2));
    assertEquals(0, driver.read(0x15, 1));
  }

  @Test
  void goodNegotiationIsAcceptedAndReadBack() {
    driver.enable();
    long offered = driver.offeredFeatures();
    assertEquals(7L << 28 & ~(1L << 30) | 1L << 32, offered & 0xffff_ffff_f000_0000L);
    assertEquals(NEGOTIATED, driver.negotiate(offered));
    driver.write(8, 4, 0);
    assertEquals((int) offered, driver.read(0x0c, 4));
    assertEquals(ACKNOWLEDGE | DRIVER, driver.negotiate(0), "version 1 is required");
    driver.write(0, 4, 2);
    assertEquals(0, driver.read(4, 4));
  }

  @Test
  void queueFields() {
    driver.enable();
    assertEquals(256, driver.read(0x18, 2), "the largest size");
    driver.negotiate(driver.offeredFeatures());
    driver.write(0x20, 8, 0x1122_3344_5566_7788L);
    assertEquals(0x5566_7788, driver.read(0x20, 4));
    assertEquals(0x1122_3344, driver.read(0x24, 4));
    driver.setUpQueue(0, ring);
    assertEquals(16, driver.read(0x18, 2));
    assertEquals(1, driver.read(0x1c, 2));
    assertEquals((int) ring.used(), driver.read(0x30, 4));
    driver.write(0x1c, 2, 0);
    assertEquals(1, driver.read(0x1c, 2), "only a reset disables");
    for (int queue : new int[] {1, 2, 0x7fff, 0xffff}) {
      driver.setUpQueue(queue, ring);
      assertEquals(queue, driver.read(0x16, 2));
      assertEquals(0, driver.read(0x18, 2));
      assertEquals(0, driver.read(0x1c, 2));
      assertEquals(NO_VECTOR, driver.queueVector(queue, 0));
    }
    driver.status(0);
    assertEquals(0, driver.read(0x16, 2));
    assertEquals(256, driver.read(0x18, 2));
    assertEquals(0, driver.read(0x1c, 2));
  }

  @Test
  void aQueueWithoutASizeHasTheLargest() throws Exception {
    driver.enable();
    driver.negotiate(driver.offeredFeatures());
    driver.setUpQueue(0, 0, 0x1000, 0x2000, 0x3000);
    assertEquals(256, driver.read(0x18, 2));
    driver.driverOk();
    assertEquals(NEGOTIATED | DRIVER_OK, driver.status());
  }

  @Test
  void intxFollowsTheIsrStatus() throws Exception {
    driver.start(ring);
    serveOne(1);
    assertTrue(MmioDriver.await(() -> intx));
    assertEquals(STATUS_INTERRUPT, machine.readConfig(SLOT, 6, 2) & STATUS_INTERRUPT);
    assertEquals(STATUS_INTERRUPT, machine.readConfig(SLOT, 6, 1) & STATUS_INTERRUPT);
    assertEquals(STATUS_INTERRUPT << 16, machine.readConfig(SLOT, 4, 4) & STATUS_INTERRUPT << 16);
    assertEquals(1, driver.isr());
    assertFalse(intx);
    assertEquals(0, driver.isr());
    assertEquals(0, machine.readConfig(SLOT, 6, 2) & STATUS_INTERRUPT);
    assertEquals(List.of(), vectors.takeSent());
  }

  @Test
  void intxCanBeDisabled() throws Exception {
    driver.start(ring);
    machine.command(SLOT, INTX_DISABLE, 0);
    serveOne(1);
    assertTrue(MmioDriver.await(() -> (machine.readConfig(SLOT, 6, 2) & STATUS_INTERRUPT) != 0));
    assertFalse(intx);
    machine.command(SLOT, 0, INTX_DISABLE);
    assertTrue(intx);
    driver.msixControl(MSIX_ENABLE);
    assertFalse(intx, "MSI-X in its place");
    driver.msixControl(0);
    assertTrue(intx);
    driver.status(0);
    assertFalse(intx, "a reset takes it back");
  }

  @Test
  void usedBuffersAreAnnouncedByTheQueuesVector() throws Exception {
    driver.start(ring);
    driver.msixEntry(1, 0xfee0_0000L, 0x51, 0);
    driver.msixControl(MSIX_ENABLE);
    assertEquals(1, driver.queueVector(0, 1));
    serveOne(1);
    assertEquals(List.of("fee00000=51"), vectors.awaitSent(120_000));
    assertEquals(0, driver.isr());
    assertFalse(intx);
  }

  @Test
  void aMaskedVectorIsPendingUntilUnmasked() throws Exception {
    driver.start(ring);
    driver.msixControl(MSIX_ENABLE);
    driver.queueVector(0, 1);
    serveOne(1);
    long pending = driver.msixTable() + 0x800;
    assertTrue(MmioDriver.await(() -> machine.memory().read(pending, 8) == 2));
    driver.msixEntry(1, 0xfee0_0000L, 0x51, 0);
    assertEquals(List.of("fee00000=51"), vectors.takeSent());
    assertEquals(0, machine.memory().read(pending, 8));
  }

  @Test
  void vectorsThatDoNotExistAreRefused() throws Exception {
    driver.start(ring);
    driver.msixControl(MSIX_ENABLE);
    assertEquals(NO_VECTOR, driver.read(0x10, 2), "none to begin with");
    for (int vector : new int[] {2, 3, 128, 0x7fff, 0x8000, 0xfffe, 0xffff}) {
      assertEquals(1, driver.queueVector(0, 1));
      assertEquals(NO_VECTOR, driver.queueVector(0, vector));
      assertEquals(0, driver.configVector(0));
      assertEquals(NO_VECTOR, driver.configVector(vector));
    }
    serveOne(1);
    assertEquals(List.of(), vectors.awaitSent(100));
    driver.queueVector(0, 1);
    driver.configVector(0);
    driver.status(0);
    assertEquals(NO_VECTOR, driver.read(0x10, 2));
    assertEquals(NO_VECTOR, driver.read(0x1a, 2));
  }

  @Test
  void aBrokenQueueIsAnnouncedByTheConfigurationVector() throws Exception {
    driver.enable();
    driver.msixEntry(0, 0xfee0_0000L, 0x50, 0);
    driver.msixControl(MSIX_ENABLE);
    driver.negotiate(driver.offeredFeatures());
    driver.configVector(0);
    driver.setUpQueue(0, 3, 0x1000, 0x2000, 0x3000);
    driver.driverOk();
    assertEquals(NEGOTIATED | DRIVER_OK | NEEDS_RESET, driver.status());
    assertEquals(List.of("fee00000=50"), vectors.takeSent());
    driver.start(ring);
    serveOne(1);
  }

  @Test
  void doorbellsMoveWithTheRange() throws Exception {
    assertTrue(doorbells.attached.isEmpty());
    driver.start(ring);
    long first = driver.notifyAddress(0);
    assertEquals(Set.of(Doorbell.anyWrite(first)), doorbells.attached.keySet());
    machine.placeBar(SLOT, 0, 0xf000_0000L);
    long second = driver.notifyAddress(0);
    assertEquals(0xf000_0000L, second & -0x4000);
    assertEquals(Set.of(Doorbell.anyWrite(second)), doorbells.attached.keySet());
    addRead();
    doorbells.ring(Doorbell.anyWrite(second));
    assertTrue(MmioDriver.await(() -> ring.usedIndex() == 1));
    serveOne(2);
    machine.placeBar(SLOT, 0, 0x10_0000L);
    assertTrue(doorbells.attached.isEmpty(), "not over RAM");
    doorbells.refuse();
    machine.placeBar(SLOT, 0, 0xf100_0000L);
    serveOne(3);
    machine.command(SLOT, 0, 2);
    assertTrue(doorbells.attached.isEmpty());
  }

  @Test
  void configurationAccessCapability() throws Exception {
    machine.command(SLOT, 0, 2);
    assertEquals(0, driver.readThroughConfig(0, 0x14, 1));
    driver.writeThroughConfig(0, 0x14, 1, 0xffff_ff00 | ACKNOWLEDGE);
    assertEquals(ACKNOWLEDGE, driver.readThroughConfig(0, 0x14, 1));
    assertEquals(1, driver.readThroughConfig(0, 0x12, 2));
    assertEquals(2048, driver.readThroughConfig(0, 0x2000, 4));
    driver.writeThroughConfig(1, 0, 4, 0xfee0_1000);
    assertEquals(0xfee0_1000, driver.readThroughConfig(1, 0, 4));
  }

  @Test
  void configurationAccessesThatMakeNoSense() {
    int[][] bad = {
      {0, 0x4000, 4},
      {0, -4, 4},
      {0, Integer.MIN_VALUE, 4},
      {0, 2, 4},
      {0, 0x13, 2},
      {0, 0, 0},
      {0, 0, 3},
      {0, 0, 8},
      {0, 0, -1},
      {1, 0x1000, 4},
      {2, 0, 4},
      {5, 0, 4},
      {6, 0, 4},
      {255, 0, 4},
      {0, 0x3fff, 2}
    };
    for (int[] b : bad) {
      assertEquals(0, driver.readThroughConfig(b[0], b[1], b[2]));
      driver.writeThroughConfig(b[0], b[1], b[2], -1);
    }
    driver.enable();
    assertEquals(0, driver.status());
  }

  @Test
  void notificationsElsewhereAreIgnored() throws Exception {
    driver.start(ring);
    serveOne(1);
    // With the device paused nobody but this test empties the doorbell.
    pci.pause();
    EventFd bell = doorbells.attached.get(Doorbell.anyWrite(driver.notifyAddress(0)));
    bell.clear();
    long page = driver.address(PciDriver.NOTIFY_CFG);
    for (int offset : new int[] {1, 2, 3, 4, 8, 0xffc}) {
      machine.memory().write(page + offset, 2, 0);
    }
    assertFalse(bell.clear());
    pci.resume();
    addRead();
    machine.memory().write(page, 4, 0xffff_ffffL);
    assertTrue(MmioDriver.await(() -> ring.usedIndex() == 2), "any value, any size");
  }
}
