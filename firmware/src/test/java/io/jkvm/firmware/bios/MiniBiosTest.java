// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.bios;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.layout.E820Map.Entry;
import io.jkvm.firmware.layout.E820Map.Type;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MiniBiosTest {

  private static final int SETUP_SEGMENT = 0x1000;
  private static final int PARAMETERS = 0x100;
  private static final long MIB = 1 << 20;

  private static E820Map pc(long ramBytes) {
    return E820Map.of(
        List.of(
            new Entry(0, 0x9FC00, Type.RAM),
            new Entry(0x9FC00, 0x400, Type.RESERVED),
            new Entry(0xF0000, 0x10000, Type.RESERVED),
            new Entry(MIB, ramBytes - MIB, Type.RAM)));
  }

  private static int u16(byte[] image, int offset) {
    return Short.toUnsignedInt(
        ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN).getShort(offset));
  }

  /** The committed image is what the source in the tree assembles to. */
  @Test
  void sourceAssemblesToTheCommittedImage(@TempDir Path folder) throws Exception {
    Path source = Path.of(System.getProperty("basedir", "")).resolve("src/main/asm/bios");
    Path output = folder.resolve("bios.bin");
    Path messages = folder.resolve("messages");
    Process nasm;
    try {
      nasm =
          new ProcessBuilder(
                  "nasm",
                  "-f",
                  "bin",
                  "-Werror",
                  "-i",
                  source + "/",
                  "-o",
                  output.toString(),
                  source.resolve("bios.asm").toString())
              .redirectErrorStream(true)
              .redirectOutput(messages.toFile())
              .start();
    } catch (IOException e) {
      String text = "nasm is not installed: the BIOS image was not compared with its source";
      if (System.getenv("CI") != null || Boolean.getBoolean("jkvm.ci")) {
        fail(text, e);
      }
      abort(text);
      return;
    }
    try {
      assertTrue(nasm.waitFor(60, TimeUnit.SECONDS), "nasm did not end");
    } finally {
      nasm.destroyForcibly();
    }
    assertEquals(0, nasm.exitValue(), () -> readText(messages));
    byte[] committed;
    try (InputStream in = MiniBios.class.getResourceAsStream("bios.bin")) {
      committed = in.readAllBytes();
    }
    assertEquals(
        -1,
        Arrays.mismatch(committed, Files.readAllBytes(output)),
        "first different byte; after a change of the source run firmware/assemble.sh");
  }

  private static String readText(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Test
  void resetVectorJumpsIntoTheSegmentOfTheShadowCopy() {
    byte[] image = MiniBios.image(pc(64 * MIB), SETUP_SEGMENT);
    assertEquals(MiniBios.SIZE_BYTES, image.length);
    assertEquals(0xEA, image[0xFFF0] & 0xFF, "far jump");
    int entry = u16(image, 0xFFF1);
    assertTrue(entry > PARAMETERS && entry < MiniBios.USED_BYTES, "entry in the code");
    assertEquals(MiniBios.SHADOW_ADDRESS >> 4, u16(image, 0xFFF3));
  }

  @Test
  void imageIsZeroWhereItSaysThatTablesMayGo() {
    byte[] image = MiniBios.image(pc(64 * MIB), SETUP_SEGMENT);
    byte[] unused = Arrays.copyOfRange(image, MiniBios.USED_BYTES, 0xFFF0);
    assertArrayEquals(new byte[unused.length], unused);
  }

  @Test
  void fillsTheParameterBlock() {
    byte[] image = MiniBios.image(pc(64 * MIB), SETUP_SEGMENT);
    assertEquals("JKVMBIOS", new String(image, PARAMETERS, 8, StandardCharsets.US_ASCII), "magic");
    assertEquals(1, u16(image, PARAMETERS + 0x08), "version");
    assertEquals(SETUP_SEGMENT, u16(image, PARAMETERS + 0x0A), "setup segment");
    assertEquals(639, u16(image, PARAMETERS + 0x0C), "base KiB");
    assertEquals(63 * 1024, u16(image, PARAMETERS + 0x0E), "extended KiB");
    assertEquals(15 * 1024, u16(image, PARAMETERS + 0x10), "E801 low");
    assertEquals(48 * 16, u16(image, PARAMETERS + 0x12), "E801 high");
    assertEquals(4, u16(image, PARAMETERS + 0x14), "e820 entries");
    assertEquals(MiniBios.SETUP_STACK_POINTER, u16(image, PARAMETERS + 0x16), "SP");
    ByteBuffer expected = ByteBuffer.allocate(4 * E820Map.ENTRY_BYTES);
    pc(64 * MIB).writeTo(expected);
    assertArrayEquals(
        expected.array(),
        Arrays.copyOfRange(image, PARAMETERS + 0x18, PARAMETERS + 0x18 + expected.capacity()));
  }

  @Test
  void oldCallsSaturateWithMuchMemory() {
    byte[] image = MiniBios.image(pc(1L << 40), SETUP_SEGMENT);
    assertEquals(0xFFFF, u16(image, PARAMETERS + 0x0E));
    assertEquals(15 * 1024, u16(image, PARAMETERS + 0x10));
    assertEquals(0xFFFF, u16(image, PARAMETERS + 0x12));
  }

  @Test
  void oldCallsReportLittleMemory() {
    byte[] image = MiniBios.image(pc(4 * MIB), SETUP_SEGMENT);
    assertEquals(3 * 1024, u16(image, PARAMETERS + 0x0E));
    assertEquals(3 * 1024, u16(image, PARAMETERS + 0x10));
    assertEquals(0, u16(image, PARAMETERS + 0x12));
  }

  @Test
  void takesTheMapSizeThatTheImageHasRoomFor() {
    List<Entry> entries = new ArrayList<>();
    entries.add(new Entry(0, 0x9FC00, Type.RAM));
    for (int i = 1; i < MiniBios.MAX_E820_ENTRIES; i++) {
      entries.add(new Entry(i * MIB, 0x1000, Type.RAM));
    }
    byte[] image = MiniBios.image(E820Map.of(entries), SETUP_SEGMENT);
    assertEquals(MiniBios.MAX_E820_ENTRIES, u16(image, PARAMETERS + 0x14));
    byte[] fewer = MiniBios.image(pc(64 * MIB), SETUP_SEGMENT);
    int tableEnd = PARAMETERS + 0x18 + MiniBios.MAX_E820_ENTRIES * E820Map.ENTRY_BYTES;
    assertEquals(
        -1,
        Arrays.mismatch(
            Arrays.copyOfRange(fewer, tableEnd, fewer.length),
            Arrays.copyOfRange(image, tableEnd, image.length)),
        "code behind the table untouched");

    entries.add(new Entry(64 * MIB, 0x1000, Type.RAM));
    E820Map tooMany = E820Map.of(entries);
    assertThrows(IllegalArgumentException.class, () -> MiniBios.image(tooMany, SETUP_SEGMENT));
    assertThrows(
        IllegalArgumentException.class, () -> MiniBios.image(E820Map.of(List.of()), SETUP_SEGMENT));
  }

  @Test
  void refusesASetupSegmentOutsideBaseMemory() {
    E820Map map = pc(64 * MIB);
    MiniBios.image(map, 0x0800);
    MiniBios.image(map, 0x9000);
    assertThrows(IllegalArgumentException.class, () -> MiniBios.image(map, 0x07FF));
    assertThrows(IllegalArgumentException.class, () -> MiniBios.image(map, 0x91C1));
    assertThrows(IllegalArgumentException.class, () -> MiniBios.image(map, 0x10000));
    assertThrows(IllegalArgumentException.class, () -> MiniBios.image(map, -1));
  }

  @Test
  void refusesAMapWithoutBaseMemory() {
    E820Map high = E820Map.of(List.of(new Entry(MIB, MIB, Type.RAM)));
    assertThrows(IllegalArgumentException.class, () -> MiniBios.image(high, SETUP_SEGMENT));
  }

  @Test
  void everyCallReturnsItsOwnImage() {
    byte[] first = MiniBios.image(pc(64 * MIB), SETUP_SEGMENT);
    first[0]++;
    assertNotEquals(first[0], MiniBios.image(pc(64 * MIB), SETUP_SEGMENT)[0]);
  }
}
