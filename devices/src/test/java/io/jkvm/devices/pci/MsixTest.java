// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.pci.testing.RecordingVectors;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** PCI Local Bus 3.0, section 6.8.2. */
@Timeout(300)
class MsixTest {
  private static final int COUNT = 40;
  private static final int ENABLE = 0x8000;
  private static final int MASK_ALL = 0x4000;
  private static final long PENDING = 0x800;
  private static final int BUS_MASTER = 4;

  private final RecordingVectors vectors = new RecordingVectors();
  private final PciConfigSpace config = new PciConfigSpace(new PciIdentity(1, 2, 3, 4, 5, 6));
  private Msix msix;
  private int capability;

  @BeforeEach
  void make() throws Exception {
    msix = new Msix(config, 1, COUNT, vectors);
    capability = config.get8(0x34);
    command(BUS_MASTER);
  }

  private void command(int value) {
    config.write(PciConfigSpace.COMMAND, 2, value);
    msix.configSpaceWritten();
  }

  private void control(int value) {
    config.write(capability + 2, 2, value);
    msix.configSpaceWritten();
  }

  private void entry(int vector, long address, int data, int control) {
    msix.write(16L * vector, 8, address);
    msix.write(16L * vector + 8, 4, data);
    msix.write(16L * vector + 12, 4, control);
  }

  @Test
  void capabilitySaysWhereThingsAre() {
    assertEquals(0x11, config.get8(capability));
    assertEquals(COUNT - 1, config.get16(capability + 2));
    assertEquals(1, config.get32(capability + 4));
    assertEquals(PENDING | 1, config.get32(capability + 8));
    config.write(capability, 4, -1);
    assertEquals(ENABLE | MASK_ALL | COUNT - 1, config.get16(capability + 2));
    assertEquals(COUNT, vectors.allocated());
  }

  @Test
  void everyVectorIsMaskedAtFirst() {
    control(ENABLE);
    assertTrue(msix.enabled());
    for (int i = 0; i < COUNT; i++) {
      assertEquals(1, msix.read(16L * i + 12, 4));
      msix.signal(i);
    }
    assertEquals(List.of(), vectors.takeSent());
    assertEquals((1L << COUNT) - 1, msix.read(PENDING, 8));
    assertEquals(0xffff_ffffL, msix.read(PENDING, 4));
    assertEquals(0xff, msix.read(PENDING + 4, 4));
    assertEquals(0, msix.read(PENDING + 8, 8));
  }

  @Test
  void withoutBusMasterInterruptsArePending() {
    control(ENABLE);
    entry(3, 0xfee0_1000L, 0x41, 0);
    command(0);
    msix.signal(3);
    assertEquals(List.of(), vectors.takeSent());
    assertEquals(1 << 3, msix.read(PENDING, 8));
    entry(3, 0xfee0_2000L, 0x42, 0);
    assertEquals(List.of(), vectors.takeSent(), "unmasking is not enough");
    command(BUS_MASTER);
    assertEquals(List.of("fee02000=42"), vectors.takeSent());
    assertEquals(0, msix.read(PENDING, 8));
  }

  @Test
  void anUnmaskedVectorSends() {
    control(ENABLE);
    entry(3, 0xfee0_1000L, 0x41, 0);
    msix.signal(3);
    msix.signal(3);
    assertEquals(List.of("fee01000=41", "fee01000=41"), vectors.takeSent());
    assertEquals(0, msix.read(PENDING, 8));
    entry(3, 0xfee0_2000L, 0x42, 0);
    msix.signal(3);
    assertEquals(List.of("fee02000=42"), vectors.takeSent());
    assertEquals(0xfee0_2000L, msix.read(48, 8));
    assertEquals(0x42, msix.read(56, 4));
  }

  @Test
  void whatIsPendingIsSentOnceWhenUnmasked() {
    control(ENABLE);
    entry(0, 0xfee0_0000L, 0x31, 1);
    msix.signal(0);
    msix.signal(0);
    assertEquals(1, msix.read(PENDING, 4));
    msix.write(PENDING, 4, 0);
    assertEquals(1, msix.read(PENDING, 4), "read only");
    msix.write(12, 4, 0);
    assertEquals(List.of("fee00000=31"), vectors.takeSent());
    assertEquals(0, msix.read(PENDING, 4));
  }

  @Test
  void theFunctionMaskHoldsAllBack() {
    entry(0, 0xfee0_0000L, 0x31, 0);
    entry(1, 0xfee0_0000L, 0x32, 1);
    control(ENABLE | MASK_ALL);
    msix.signal(0);
    msix.signal(1);
    assertEquals(3, msix.read(PENDING, 4));
    control(ENABLE);
    assertEquals(List.of("fee00000=31"), vectors.takeSent());
    assertEquals(2, msix.read(PENDING, 4));
    control(0);
    assertFalse(msix.enabled());
    msix.write(28, 4, 0);
    assertEquals(List.of(), vectors.takeSent(), "not enabled");
    control(ENABLE);
    assertEquals(List.of("fee00000=32"), vectors.takeSent());
  }

  @Test
  void oddAccessesReadZeroAndWriteNothing() {
    entry(0, 0x1122_3344_fee0_0000L, 0x55, 1);
    for (int size : new int[] {1, 2}) {
      assertEquals(0, msix.read(0, size));
      msix.write(0, size, -1);
    }
    for (int offset : new int[] {1, 2, 3, 5, 6}) {
      assertEquals(0, msix.read(offset, 4));
      assertEquals(0, msix.read(offset, 8));
      msix.write(offset, 4, -1);
      msix.write(offset, 8, -1);
    }
    assertEquals(0, msix.read(4, 8));
    assertEquals(0x1122_3344_fee0_0000L, msix.read(0, 8));
    assertEquals(0x55, msix.read(8, 4));
    assertEquals(0, msix.read(16 * COUNT, 8), "after the table");
    assertEquals(0, msix.read(Msix.BAR_BYTES - 8, 8));
    msix.write(16 * COUNT, 8, -1);
    msix.write(Msix.BAR_BYTES - 8, 8, -1);
    assertEquals(0, msix.read(16 * COUNT, 8));
  }

  @Test
  void countsAreChecked() {
    PciConfigSpace other = new PciConfigSpace(new PciIdentity(1, 2, 3, 4, 5, 6));
    assertThrows(IllegalArgumentException.class, () -> new Msix(other, 0, 0, vectors));
    assertThrows(IllegalArgumentException.class, () -> new Msix(other, 0, 129, vectors));
  }

  @Test
  void allVectorsFit() throws Exception {
    PciConfigSpace other = new PciConfigSpace(new PciIdentity(1, 2, 3, 4, 5, 6));
    Msix full = new Msix(other, 0, Msix.MAX_VECTORS, vectors);
    full.signal(127);
    assertEquals(1L << 63, full.read(PENDING + 8, 8));
    full.write(127 * 16, 8, 0xfee0_0000L);
    assertEquals(0xfee0_0000L, full.read(127 * 16, 8));
  }

  /** A vector masked and unmasked while another thread signals loses nothing. */
  @Test
  void noSignalIsLostInARaceWithTheMask() throws Exception {
    control(ENABLE);
    entry(0, 0xfee0_0000L, 0x31, 0);
    AtomicInteger missing = new AtomicInteger();
    Random random = new Random(1);
    Thread masker =
        new Thread(
            () -> {
              while (!Thread.currentThread().isInterrupted()) {
                msix.write(12, 4, random.nextInt(2));
              }
            });
    masker.start();
    for (int i = 0; i < 20_000; i++) {
      msix.signal(0);
      if (vectors.awaitSent(5_000).isEmpty()) {
        missing.incrementAndGet();
        break;
      }
    }
    masker.interrupt();
    masker.join();
    assertEquals(0, missing.get());
  }
}
