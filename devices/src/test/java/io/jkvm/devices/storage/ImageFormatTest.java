// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageFormatTest {
  @TempDir Path folder;

  private Path image(byte[] head, int at) throws Exception {
    byte[] bytes = new byte[1 << 20];
    System.arraycopy(head, 0, bytes, at, head.length);
    return Files.write(folder.resolve("disk.img"), bytes);
  }

  private DiskException refused(Path image) {
    return assertThrows(DiskException.class, () -> RawImage.open(image, true).close());
  }

  // As the formats' specifications have them; qcow2's is "QFI" and 0xfb.
  @ParameterizedTest
  @CsvSource({
    "514649fb00000003, 0, is a qcow2 image",
    "4b444d5601000000, 0, is a VMDK image",
    "23204469736b2044657363726970746f7246696c65, 0, is a VMDK descriptor",
    "7f10dabe01000100, 64, is a VDI image",
    "7668647866696c65, 0, is a VHDX image",
    "636f6e6563746978, 0, is a VHD image",
    "5145440000100000, 0, is a QED image",
    "434f574401000000, 0, is a VMDK image",
    "576974686f7574467265655370616365, 0, is a Parallels image",
    "576974686f7546726553706163457874, 0, is a Parallels image",
    "426f636873205669727475616c20484420496d616765, 0, is a Bochs image",
  })
  void anImageOfAnotherFormatIsNoRawDisk(String magic, int at, String text) throws Exception {
    Path image = image(HexFormat.of().parseHex(magic), at);
    byte[] before = Files.readAllBytes(image);
    DiskException e = refused(image);
    assertEquals(DiskException.Kind.OTHER_FORMAT, e.kind());
    assertTrue(e.getMessage().contains(text), e.getMessage());
    assertThrows(DiskException.class, () -> RawImage.open(image, false).close());
    assertTrue(Arrays.equals(before, Files.readAllBytes(image)));
    RawImage.open("disk", image, false, true, false).close();
  }

  @ParameterizedTest
  @CsvSource({
    "fd377a585a000004, compressed with xz",
    "28b52ffd04580000, compressed with zstd",
    "425a683931415926, compressed with bzip2",
    "04224d1864a70000, compressed with lz4",
    "504b030414000000, a ZIP archive",
    "3aff26ed01000000, an Android sparse image",
    "564d410000000001, a Proxmox backup",
    "455646090d0aff00, an Expert Witness image",
    "4d5357494d000000, a Windows Imaging file",
    "02214c1800000000, compressed with lz4",
    "894c5a4f000d0a1a0a, compressed with lzop",
    "1f9d900000000000, compressed with compress",
    "377abcaf271c0004, a 7z archive",
    "526172211a070100, a RAR archive",
  })
  void whatIsToBeUnpackedIsNoRawDisk(String magic, String text) throws Exception {
    DiskException e = refused(image(HexFormat.of().parseHex(magic), 0));
    assertEquals(DiskException.Kind.COMPRESSED, e.kind());
    assertTrue(e.getMessage().contains("is " + text), e.getMessage());
  }

  /** The wrong one of two names, and the guest's first write is the end of a kernel. */
  @ParameterizedTest
  @CsvSource({
    "7f454c46020101, 0, an ELF file",
    "48647253, 514, a Linux kernel",
    "303730373031303030, 0, a cpio archive",
    "23212f62696e2f7368, 0, a script"
  })
  void aProgramIsNoRawDisk(String magic, int at, String text) throws Exception {
    DiskException e = refused(image(HexFormat.of().parseHex(magic), at));
    assertEquals(DiskException.Kind.PROGRAM, e.kind());
    assertTrue(e.getMessage().contains("is " + text), e.getMessage());
  }

  @Test
  void aCompressedFileIsToldAsSuchWhateverItsLength() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write("a disk".getBytes(StandardCharsets.US_ASCII));
    }
    DiskException e = refused(Files.write(folder.resolve("disk.img.gz"), bytes.toByteArray()));
    assertEquals(DiskException.Kind.COMPRESSED, e.kind());
    assertTrue(e.getMessage().contains("is compressed with gzip"), e.getMessage());
  }

  @Test
  void whatMayBeADiskIsTaken() throws Exception {
    RawImage.open(image(new byte[0], 0), false).close();
    // A boot sector.
    RawImage.open(image(new byte[] {(byte) 0xeb, 0x63, (byte) 0x90}, 0), false).close();
  }
}
