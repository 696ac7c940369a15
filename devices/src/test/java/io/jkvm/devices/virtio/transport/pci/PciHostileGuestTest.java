// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.pci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.pci.testing.PciMachine;
import io.jkvm.devices.virtio.rng.VirtioRng;
import io.jkvm.devices.virtio.testing.PciDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Seeded garbage all over PCI space; after it a well-behaved driver gets its data. */
@Timeout(300)
class PciHostileGuestTest extends PciFixture {
  private static final long[] PLACES = {
    0,
    0x1000,
    0xbfff_c000L,
    0xdfff_f000L,
    0xe000_0000L,
    0xe000_4000L,
    0xe000_5000L,
    0xe000_8000L,
    0xfdff_c000L,
    0xfe00_0000L,
    0xfec0_0000L,
    0xfee0_0000L,
    0xffff_0000L,
    0xffff_ffffL
  };
  private static final int[] SIZES = {1, 2, 4};

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void garbageOverConfigurationSpaceAndTheWindow(long seed) throws Exception {
    Random random = new Random(seed);
    try (VirtioPci rng =
        new VirtioPci(new VirtioRng(), TestHost.of(memory), vectors, level -> {}, 22)) {
      machine.bus().add(SLOT + 1, rng);
      for (int i = 0; i < 200_000; i++) {
        switch (random.nextInt(10)) {
          case 0, 1 -> configAccess(random, (int) (0x8000_0000L | random.nextInt(8) << 11));
          case 2 -> configAccess(random, random.nextInt());
          case 3 -> moveRanges(random);
          case 4 -> driverStep(random);
          default -> memoryAccess(random);
        }
        if (i % 1000 == 0) {
          vectors.takeSent();
        }
      }
      becomeTameAgain();
    }
  }

  private void configAccess(Random random, int selector) {
    machine.ports().write(0xcf8, 4, Integer.toUnsignedLong(selector | random.nextInt(256)));
    int size = SIZES[random.nextInt(SIZES.length)];
    long port = 0xcf8 + random.nextInt(8);
    if (random.nextInt(3) == 0) {
      machine.ports().read(port, size);
    } else {
      machine.ports().write(port, size, random.nextInt());
    }
  }

  private void moveRanges(Random random) {
    int device = SLOT + random.nextInt(2);
    machine.command(device, random.nextInt(8) == 0 ? 0 : 6, random.nextInt(8) == 0 ? 2 : 0);
    machine.placeBar(device, random.nextInt(6), PLACES[random.nextInt(PLACES.length)]);
  }

  private void driverStep(Random random) {
    switch (random.nextInt(50)) {
      case 0 -> driver.start(ring);
      case 1 -> driver.msixControl(random.nextInt(4) << 14);
      case 2 -> driver.readThroughConfig(random.nextInt(3), random.nextInt(0x5000), 4);
      case 3 -> driver.writeThroughConfig(0, random.nextInt(0x40), 1, random.nextInt());
      case 4 -> driver.notifyQueue(0);
      default -> driver.msixEntry(random.nextInt(3), random.nextLong(), random.nextInt(), 0);
    }
  }

  private void memoryAccess(Random random) {
    long base =
        random.nextBoolean()
            ? machine.barAddress(SLOT + random.nextInt(2), random.nextInt(2))
            : PciMachine.WINDOW + random.nextInt(0x10000);
    int page = random.nextInt(5) * 0x1000;
    int within = random.nextInt(4) == 0 ? random.nextInt(0x1000) : random.nextInt(0x48);
    int size = 1 << random.nextInt(4);
    if (random.nextBoolean()) {
      machine.memory().read(base + page + within, size);
    } else {
      machine.memory().write(base + page + within, size, random.nextLong());
    }
  }

  private void becomeTameAgain() throws Exception {
    machine.command(SLOT, 0, 0x402);
    machine.command(SLOT + 1, 0, 0x402);
    machine.placeBar(SLOT, 0, 0xe100_0000L);
    machine.placeBar(SLOT, 1, 0xe200_0000L);
    driver.msixControl(0);
    driver.enable();
    driver.status(0);
    assertEquals(0, driver.status());
    assertEquals(0, driver.isr());
    ring = new SplitRingDriver(memory, 16, 0x1000);
    driver.start(ring);
    driver.msixEntry(1, 0xfee0_0000L, 0x51, 0);
    driver.msixControl(0x8000);
    driver.queueVector(0, 1);
    vectors.takeSent();
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 1));
    assertEquals("[fee00000=51]", vectors.awaitSent(120_000).toString());
    assertEquals(1, doorbells.attached.size());
  }

  /** Two devices on one place: the loser has no doorbell, and nothing is detached twice. */
  @Test
  void twoDevicesAtOneAddress() throws Exception {
    try (VirtioPci rng =
        new VirtioPci(new VirtioRng(), TestHost.of(memory), vectors, level -> {}, 22)) {
      machine.bus().add(SLOT + 1, rng);
      driver.start(ring);
      machine.command(SLOT + 1, 6, 0);
      machine.placeBar(SLOT + 1, 0, machine.barAddress(SLOT, 0));
      assertEquals(16, new PciDriver(machine, SLOT + 1).read(0x18, 2), "the disk answers");
      addRead();
      assertTrue(driver.notifyAndAwait(ring, 1));
      machine.placeBar(SLOT, 0, 0xe500_0000L);
      assertEquals(64, new PciDriver(machine, SLOT + 1).read(0x18, 2), "the rng's, alone now");
    }
  }
}
