// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.initramfs.CpioWriter.Attributes;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpioWriterTest {
  private static final Attributes PLAIN = Attributes.ofRoot(0644);

  @TempDir Path dir;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final CpioWriter writer = new CpioWriter(out);

  private static byte[] raw(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Test
  void everyKindIsReadBackByAnother() throws IOException {
    writer.directory(raw("d"), new Attributes(01777, 1, 2, 3));
    writer.file(raw("d/f"), new Attributes(04755, 1000, 0xffff_fffe, 1L << 31), raw("12345"));
    writer.symlink(raw("d/l"), Attributes.ofRoot(0777), raw("../\u00e9"));
    writer.characterDevice(raw("d/null"), Attributes.ofRoot(0666), 1, 3);
    writer.blockDevice(raw("d/vda"), Attributes.ofRoot(0600), 254, 1 << 16);
    writer.file(raw("d/\u00e9"), PLAIN, raw(""));
    writer.finish();

    Archive archive = Archive.of(out.toByteArray());
    assertEquals(List.of("d", "d/f", "d/l", "d/null", "d/vda", "d/\u00e9"), archive.names());
    assertEquals("41777", archive.mode("d"));
    assertEquals("104755", archive.mode("d/f"));
    assertEquals("12345", archive.text("d/f"));
    CpioArchiveEntry file = archive.entries().get("d/f");
    assertEquals(1000, file.getUID());
    assertEquals(0xffff_fffeL, file.getGID());
    assertEquals(1L << 31, file.getTime());
    assertEquals("120777", archive.mode("d/l"));
    assertEquals("../\u00e9", archive.text("d/l"));
    assertEquals("20666", archive.mode("d/null"));
    assertEquals(1, archive.entries().get("d/null").getRemoteDeviceMaj());
    assertEquals(3, archive.entries().get("d/null").getRemoteDeviceMin());
    assertEquals("60600", archive.mode("d/vda"));
    assertEquals(1 << 16, archive.entries().get("d/vda").getRemoteDeviceMin());
    assertEquals(0, out.size() % 512);
  }

  /** Byte for byte as the kernel's documentation has the format. */
  @Test
  void theBytesOfASmallArchive() throws IOException {
    writer.file(raw("a"), new Attributes(0644, 0, 0, -5), raw("xyz"));
    writer.finish();
    String zero = "00000000";
    String expected =
        "07070100000001000081a4"
            + zero
            + zero
            + "00000001"
            + zero
            + "00000003"
            + zero.repeat(4)
            + "00000002"
            + zero
            + "a\0xyz\0"
            + "070701"
            + zero
            + zero
            + zero
            + zero
            + "00000001"
            + zero
            + zero
            + zero.repeat(4)
            + "0000000b"
            + zero
            + "TRAILER!!!\0";
    assertEquals(
        expected, out.toString(StandardCharsets.ISO_8859_1).substring(0, expected.length()));
    assertEquals(512, out.size());
  }

  @Test
  void whatTheKernelWouldPassOverIsRefused() throws IOException {
    writer.file(raw("x".repeat(4095)), PLAIN, raw(""));
    for (String name : List.of("", "x".repeat(4096), "TRAILER!!!", "a\0b")) {
      IOException e = assertThrows(IOException.class, () -> writer.file(raw(name), PLAIN, raw("")));
      assertTrue(e.getMessage().length() < 200 && !e.getMessage().contains("\0"), e.getMessage());
    }
    assertThrows(IOException.class, () -> writer.symlink(raw("l"), PLAIN, raw("")));
    assertThrows(IOException.class, () -> writer.symlink(raw("l"), PLAIN, raw("x".repeat(4096))));
  }

  @Test
  void aFileOf4GibIsRefusedBeforeAByteOfItIsRead() throws IOException {
    Path huge = dir.resolve("huge");
    try (RandomAccessFile sparse = new RandomAccessFile(huge.toFile(), "rw")) {
      sparse.setLength(1L << 32);
    }
    IOException e =
        assertThrows(
            IOException.class, () -> writer.file(raw("huge"), PLAIN, huge, Files.size(huge)));
    assertEquals(
        huge
            + " is too large for an initramfs: it has 4294967296 bytes, 4 GiB is the limit of"
            + " the format",
        e.getMessage());
    assertEquals(0, out.size());
  }

  @Test
  void aFileThatChangesItsSizeIsAnError() throws IOException {
    Path file = Files.write(dir.resolve("f"), new byte[200_000]);
    writer.file(raw("f"), PLAIN, file, 200_000);
    assertEquals(
        file + " grew while it was packed",
        assertThrows(IOException.class, () -> writer.file(raw("g"), PLAIN, file, 199_999))
            .getMessage());
    assertEquals(
        file + " shrank while it was packed",
        assertThrows(IOException.class, () -> writer.file(raw("h"), PLAIN, file, 200_001))
            .getMessage());
    Path none = dir.resolve("none");
    assertEquals(
        none + " does not exist",
        assertThrows(IOException.class, () -> writer.file(raw("i"), PLAIN, none, 1)).getMessage());
  }

  @Test
  void theSizeIsKnownBefore() throws IOException {
    long entries = 0;
    for (int length = 1; length < 20; length++) {
      byte[] name = raw("n".repeat(length));
      writer.file(name, PLAIN, new byte[length * 7]);
      entries += CpioWriter.entrySize(length, length * 7L);
    }
    assertEquals(entries, out.size());
    writer.finish();
    assertEquals(CpioWriter.archiveSize(entries), out.size());
    ByteArrayOutputStream again = new ByteArrayOutputStream();
    CpioWriter second = new CpioWriter(again);
    for (int length = 1; length < 20; length++) {
      second.file(raw("n".repeat(length)), PLAIN, new byte[length * 7]);
    }
    second.finish();
    assertArrayEquals(out.toByteArray(), again.toByteArray());
  }
}
