// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static io.jkvm.devices.virtio.testing.BlockDriver.HEADER;
import static io.jkvm.devices.virtio.testing.BlockDriver.STATUS;
import static io.jkvm.devices.virtio.testing.Buffer.in;
import static io.jkvm.devices.virtio.testing.Buffer.out;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Block requests as the specification has them and as it forbids them; no disk, no thread. */
class VirtioBlockTest {
  private static final long SECTORS = 1000;
  private static final long DATA = 0x10000;
  private static final int MAX_SECTORS_DISCARD = 1 << 22;

  private GuestMemory memory;
  private RecordingBackend backend;
  private VirtioBlock device;
  private BlockDriver driver;

  @BeforeEach
  void make() throws Exception {
    memory = GuestMemory.allocate(16 << 20);
    use(new RecordingBackend(SECTORS * 512, false));
  }

  @AfterEach
  void free() {
    memory.close();
  }

  private void use(RecordingBackend newBackend) throws GuestFault {
    backend = newBackend;
    device = new VirtioBlock(backend, "my disk");
    driver = new BlockDriver(memory, device);
  }

  private void assertRefused(int type, long sector, Buffer... data) throws Exception {
    assertEquals(BlockDriver.IO_ERROR, driver.request(type, sector, data));
    assertEquals(List.of(), backend.calls());
  }

  @Test
  void readAndWrite() throws Exception {
    assertEquals(0, driver.request(BlockDriver.IN, 3, in(DATA, 512), in(DATA + 4096, 1024)));
    assertEquals(512 + 1024 + 1, driver.usedLength());
    assertEquals(0, driver.request(BlockDriver.OUT, SECTORS - 1, out(DATA, 512)));
    assertEquals(1, driver.usedLength());
    assertEquals(
        List.of("read 1536+1536", "write " + (SECTORS - 1) * 512 + "+512"), backend.calls());
  }

  @ParameterizedTest
  @ValueSource(
      longs = {
        SECTORS,
        SECTORS + 1,
        SECTORS - 1,
        -1,
        -2,
        Long.MIN_VALUE,
        1L << 55,
        (1L << 55) + 3,
        0x007f_ffff_ffff_ffffL
      })
  void sectorAndLengthMustBeInsideTheDisk(long sector) throws Exception {
    assertRefused(BlockDriver.IN, sector, in(DATA, 1024));
    assertRefused(BlockDriver.OUT, sector, out(DATA, 1024));
    driver.segment(0, sector, 2, 0);
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.DISCARD, 1));
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.WRITE_ZEROES, 1));
    assertEquals(List.of(), backend.calls());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 511, 513, 1023})
  void dataMustBeWholeSectors(int length) throws Exception {
    assertRefused(BlockDriver.IN, 0, in(DATA, length));
    assertRefused(BlockDriver.OUT, 0, out(DATA, length));
  }

  @Test
  void directionMustFitTheType() throws Exception {
    assertRefused(BlockDriver.IN, 0, out(DATA, 512));
    assertRefused(BlockDriver.IN, 0, out(DATA, 512), in(DATA, 512));
    assertRefused(BlockDriver.OUT, 0, in(DATA, 512));
    assertRefused(BlockDriver.OUT, 0, out(DATA, 512), in(DATA, 512));
    assertRefused(BlockDriver.FLUSH, 0, in(DATA, 512));
    assertRefused(BlockDriver.FLUSH, 0, out(DATA, 512));
    assertRefused(BlockDriver.GET_ID, 0, out(DATA, 20));
    assertRefused(BlockDriver.GET_ID, 0, out(DATA, 4), in(DATA, 20));
    driver.segment(0, 0, 1, 0);
    assertRefused(BlockDriver.DISCARD, 0, out(BlockDriver.SEGMENTS, 16), in(DATA, 512));
    assertRefused(BlockDriver.DISCARD, 0, in(DATA, 16));
  }

  @Test
  void headerAndStatusMustBeThere() throws Exception {
    driver.header(BlockDriver.IN, 0);
    assertThrows(GuestFault.class, () -> driver.raw(out(HEADER, 15), in(DATA, 512), in(STATUS, 1)));
    assertThrows(GuestFault.class, () -> driver.raw(in(DATA, 512), in(STATUS, 1)));
    driver.header(BlockDriver.OUT, 0);
    assertThrows(GuestFault.class, () -> driver.raw(out(HEADER, 16), out(DATA, 512)));
    assertEquals(List.of(), backend.calls());
  }

  @Test
  void headerMayBeSplitAndShareItsBufferWithData() throws Exception {
    driver.header(BlockDriver.OUT, 2);
    assertEquals(
        0,
        driver.raw(
            out(HEADER, 1),
            out(HEADER + 1, 10),
            out(HEADER + 11, 5 + 500),
            out(DATA, 12),
            in(STATUS, 1)));
    driver.header(BlockDriver.IN, 4);
    assertEquals(0, driver.raw(out(HEADER, 7), out(HEADER + 7, 9), in(STATUS - 512, 513)));
    assertEquals(513, driver.usedLength());
    assertEquals(List.of("write 1024+512", "read 2048+512"), backend.calls());
  }

  @Test
  void statusIsTheLastWritableByte() throws Exception {
    driver.header(99, 0);
    memory.writeU8(STATUS - 1, 0x55);
    assertEquals(
        BlockDriver.UNSUPPORTED, driver.raw(out(HEADER, 16), in(DATA, 3), in(STATUS - 1, 2)));
    assertEquals(0x55, memory.readU8(STATUS - 1));
    assertEquals(0, driver.usedLength());
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5, 10, 12, 14, 16, -1, Integer.MIN_VALUE})
  void otherTypesAreUnsupported(int type) throws Exception {
    assertEquals(BlockDriver.UNSUPPORTED, driver.request(type, 0));
    assertEquals(1, driver.usedLength());
    assertEquals(List.of(), backend.calls());
  }

  @Test
  void getId() throws Exception {
    assertEquals(0, driver.request(BlockDriver.GET_ID, 0, in(DATA, 20)));
    assertEquals(21, driver.usedLength());
    byte[] id = new byte[20];
    memory.read(DATA, id, 0, 20);
    byte[] expected = new byte[20];
    System.arraycopy("my disk".getBytes(StandardCharsets.US_ASCII), 0, expected, 0, 7);
    assertArrayEquals(expected, id);
    assertRefused(BlockDriver.GET_ID, 0, in(DATA, 19));
    assertRefused(BlockDriver.GET_ID, 0, in(DATA, 21));
  }

  @Test
  void longOrStrangeIdsAreCut() throws Exception {
    device = new VirtioBlock(backend, "gr\u00fc\nn-0123456789-0123456789");
    driver = new BlockDriver(memory, device);
    assertEquals(0, driver.request(BlockDriver.GET_ID, 0, in(DATA, 20)));
    byte[] id = new byte[20];
    memory.read(DATA, id, 0, 20);
    assertEquals("gr__n-0123456789-012", new String(id, StandardCharsets.US_ASCII));
  }

  @Test
  void discardAndWriteZeroes() throws Exception {
    driver.segment(0, 1, 2, 0);
    driver.segment(1, SECTORS - 1, 1, 0);
    driver.segment(2, 5, 0, 0);
    assertEquals(0, driver.segments(BlockDriver.DISCARD, 3));
    assertEquals(0, driver.segments(BlockDriver.WRITE_ZEROES, 1));
    driver.segment(0, 1, 2, 1);
    assertEquals(0, driver.segments(BlockDriver.WRITE_ZEROES, 1));
    assertEquals(
        List.of(
            "discard 512+1024",
            "discard " + (SECTORS - 1) * 512 + "+512",
            "zero 512+1024",
            "zero 512+1024 unmap"),
        backend.calls());
  }

  @Test
  void segmentFlagsAreChecked() throws Exception {
    driver.segment(0, 0, 1, 1);
    assertEquals(BlockDriver.UNSUPPORTED, driver.segments(BlockDriver.DISCARD, 1));
    for (int flags : new int[] {2, 3, 0x8000_0000, -1}) {
      driver.segment(0, 0, 1, flags);
      assertEquals(BlockDriver.UNSUPPORTED, driver.segments(BlockDriver.DISCARD, 1));
      assertEquals(BlockDriver.UNSUPPORTED, driver.segments(BlockDriver.WRITE_ZEROES, 1));
    }
    assertEquals(List.of(), backend.calls());
  }

  @Test
  void allSegmentsAreCheckedBeforeTheFirstIsCarriedOut() throws Exception {
    driver.segment(0, 0, 1, 0);
    driver.segment(1, SECTORS, 1, 0);
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.DISCARD, 2));
    assertEquals(List.of(), backend.calls());
  }

  @Test
  void theFirstErrorOfSeveralSegmentsIsTheAnswer() throws Exception {
    backend.failAt("discard 512+512");
    for (int i = 0; i < 3; i++) {
      driver.segment(i, i, 1, 0);
    }
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.DISCARD, 3));
    assertEquals(List.of("discard 0+512", "discard 512+512"), backend.calls());
    assertEquals(0, driver.segments(BlockDriver.DISCARD, 1), "the disk goes on");
  }

  @Test
  void segmentCountAndLimits() throws Exception {
    use(new RecordingBackend(1L << 40, false));
    for (int i = 0; i < 33; i++) {
      driver.segment(i, 0, 1, 0);
    }
    assertEquals(0, driver.segments(BlockDriver.DISCARD, 32));
    assertEquals(32, backend.calls().size());
    use(new RecordingBackend(1L << 40, false));
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.DISCARD, 33));
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.WRITE_ZEROES, 2));
    assertRefused(BlockDriver.DISCARD, 0);
    assertRefused(BlockDriver.DISCARD, 0, out(BlockDriver.SEGMENTS, 15));
    assertRefused(BlockDriver.DISCARD, 0, out(BlockDriver.SEGMENTS, 24));
    driver.segment(0, 0, MAX_SECTORS_DISCARD + 1, 0);
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.DISCARD, 1));
    driver.segment(0, 0, -1, 0);
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.DISCARD, 1));
    driver.segment(0, 0, (int) device.config().read(48, 4) + 1, 0);
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.WRITE_ZEROES, 1));
    assertEquals(List.of(), backend.calls());
    driver.segment(0, 0, MAX_SECTORS_DISCARD, 0);
    assertEquals(0, driver.segments(BlockDriver.DISCARD, 1));
  }

  @Test
  void discardNeedsNegotiation() throws Exception {
    driver.activate(device.features() & ~(1L << 13 | 1L << 14));
    driver.segment(0, 0, 1, 0);
    assertEquals(BlockDriver.UNSUPPORTED, driver.segments(BlockDriver.DISCARD, 1));
    assertEquals(BlockDriver.UNSUPPORTED, driver.segments(BlockDriver.WRITE_ZEROES, 1));
    assertEquals(List.of(), backend.calls());
  }

  @Test
  void readOnlyDiskRefusesEveryChange() throws Exception {
    use(new RecordingBackend(SECTORS * 512, true));
    assertEquals(1L << 5, device.features() & (1L << 5 | 1L << 13 | 1L << 14));
    assertRefused(BlockDriver.OUT, 0, out(DATA, 512));
    driver.segment(0, 0, 1, 0);
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.DISCARD, 1));
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.WRITE_ZEROES, 1));
    assertEquals(List.of(), backend.calls());
    assertEquals(0, driver.request(BlockDriver.IN, 0, in(DATA, 512)));
    assertEquals(0, driver.request(BlockDriver.FLUSH, 0));
  }

  @Test
  void withoutFlushEveryChangeIsDurable() throws Exception {
    driver.activate(device.features() & ~(1L << 9 | 1L << 11));
    driver.segment(0, 0, 1, 0);
    driver.request(BlockDriver.OUT, 0, out(DATA, 512));
    driver.segments(BlockDriver.DISCARD, 1);
    driver.segments(BlockDriver.WRITE_ZEROES, 1);
    assertEquals(
        List.of("write 0+512", "flush", "discard 0+512", "flush", "zero 0+512", "flush"),
        backend.calls());
  }

  @Test
  void writeThroughIsNoneOfTheDriversBusiness() throws Exception {
    device = new VirtioBlock(backend, "x", List.of(DiskEngines.calls(backend)), false, true);
    driver = new BlockDriver(memory, device);
    assertEquals(1L << 9, device.features() & (1L << 9 | 1L << 11 | 1L << 12));
    device.config().write(32, 1, 1);
    assertEquals(0, device.config().read(32, 1));
    driver.request(BlockDriver.OUT, 0, out(DATA, 512));
    assertEquals(List.of("write 0+512", "flush"), backend.calls());
    device.reset();
    assertEquals(0, device.config().read(32, 1));
  }

  @Test
  void writebackCanBeSwitchedOff() throws Exception {
    assertEquals(1, device.config().read(32, 1));
    device.config().write(32, 1, 0);
    assertEquals(0, device.config().read(32, 1));
    driver.request(BlockDriver.OUT, 0, out(DATA, 512));
    assertEquals(List.of("write 0+512", "flush"), backend.calls());
    device.reset();
    assertEquals(1, device.config().read(32, 1));
    driver.activate(device.features() & ~(1L << 11));
    device.config().write(32, 1, 0);
    assertEquals(1, device.config().read(32, 1), "not negotiated");
  }

  @Test
  void hostErrorsAreReported() throws Exception {
    backend.fail(new IOException("disk recorded: test: ENOSPC (28): No space left on device"));
    driver.segment(0, 0, 1, 0);
    for (int i = 0; i < 20; i++) {
      assertEquals(BlockDriver.IO_ERROR, driver.request(BlockDriver.FLUSH, 0));
      assertEquals(BlockDriver.IO_ERROR, driver.request(BlockDriver.OUT, 0, out(DATA, 512)));
      assertEquals(BlockDriver.IO_ERROR, driver.request(BlockDriver.IN, 0, in(DATA, 512)));
      assertEquals(0, driver.usedLength());
      assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.DISCARD, 1));
      assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.WRITE_ZEROES, 1));
    }
  }

  @Test
  void aBackendThatThrowsIsAnIoErrorToo() throws Exception {
    backend.fail(new UnsupportedOperationException());
    assertEquals(BlockDriver.IO_ERROR, driver.request(BlockDriver.FLUSH, 0));
    assertEquals(BlockDriver.IO_ERROR, driver.request(BlockDriver.OUT, 0, out(DATA, 512)));
    assertEquals(BlockDriver.IO_ERROR, driver.request(BlockDriver.IN, 0, in(DATA, 512)));
    driver.segment(0, 0, 1, 0);
    assertEquals(BlockDriver.IO_ERROR, driver.segments(BlockDriver.DISCARD, 1));
    assertEquals(0, driver.request(BlockDriver.GET_ID, 0, in(DATA, 20)));
  }

  @Test
  void configuration() {
    assertEquals(2, device.type().deviceId());
    assertEquals(SECTORS, device.config().read(0, 8));
    assertEquals(SECTORS, device.config().read(0, 4));
    assertEquals(SECTORS >>> 8, device.config().read(1, 1));
    assertEquals(254, device.config().read(12, 4));
    assertEquals(512, device.config().read(20, 4));
    assertEquals(3, device.config().read(24, 1));
    assertEquals(MAX_SECTORS_DISCARD, device.config().read(36, 4));
    assertEquals(32, device.config().read(40, 4));
    assertEquals(8, device.config().read(44, 4));
    assertEquals(1, device.config().read(52, 4));
    assertEquals(1, device.config().read(56, 1));
    for (long offset = 60; offset < 4096; offset++) {
      assertEquals(0, device.config().read(offset, 8));
    }
    device.config().write(0, 8, 5);
    device.config().write(3000, 4, 5);
    assertEquals(SECTORS, device.config().read(0, 8));
  }
}
