// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelConfigTest {
  private static final String TEXT =
      """
      #
      # Automatically generated file; DO NOT EDIT.
      #
      CONFIG_64BIT=y
      CONFIG_VIRTIO_PCI=m
      # CONFIG_KUNIT is not set
      CONFIG_HZ=250
      CONFIG_PHYSICAL_START=0x1000000
      CONFIG_LOCALVERSION="-a \\"b\\" \\\\c"
      CONFIG_EMPTY=""
      CONFIG_NO=n
      CONFIG_TWICE=y
      # CONFIG_TWICE is not set
      not a line of it
      """;

  @TempDir Path folder;

  @Test
  void readsEveryKindOfValue() {
    KernelConfig config = KernelConfig.parse(TEXT, "here");
    assertTrue(config.isBuiltIn("64BIT") && config.isSet("CONFIG_64BIT"));
    assertTrue(config.isModule("CONFIG_VIRTIO_PCI") && config.isSet("VIRTIO_PCI"));
    assertFalse(config.isBuiltIn("VIRTIO_PCI") || config.isModule("64BIT"));
    for (String unset : new String[] {"KUNIT", "NO", "TWICE", "NEVER_HEARD_OF", ""}) {
      assertFalse(config.isSet(unset), unset);
      assertEquals(Optional.empty(), config.value(unset));
    }
    assertEquals(Optional.of("250"), config.value("HZ"));
    assertEquals(Optional.of("0x1000000"), config.value("PHYSICAL_START"));
    assertEquals(Optional.of("-a \"b\" \\c"), config.value("LOCALVERSION"));
    assertEquals(Optional.of(""), config.value("EMPTY"));
    assertEquals("here", config.origin());
  }

  @Test
  void readsLinesThatEndAsInDos() {
    KernelConfig config = KernelConfig.parse(TEXT.replace("\n", "\r\n"), "");
    assertTrue(config.isBuiltIn("64BIT"));
    assertFalse(config.isSet("KUNIT"));
  }

  @Test
  void readsPlainAndCompressedFiles() throws IOException {
    Path plain = Files.writeString(folder.resolve("config"), TEXT);
    Path packed =
        Files.write(folder.resolve("config.gz"), KernelFiles.gzip(TEXT.getBytes(US_ASCII)));
    assertTrue(KernelConfig.read(plain).isBuiltIn("64BIT"));
    assertTrue(KernelConfig.read(packed).isBuiltIn("64BIT"));
    assertEquals(packed.toString(), KernelConfig.read(packed).origin());
  }

  @Test
  void refusesWhatIsNone() throws IOException {
    assertTrue(refused(folder.resolve("absent")).contains("does not exist"));
    assertTrue(refused(folder).contains("can't be read"));
    Path other = Files.writeString(folder.resolve("notes"), "buy milk\n");
    assertEquals(other + " is no kernel configuration", refused(other));
    byte[] cut = Arrays.copyOf(KernelFiles.gzip(TEXT.getBytes(US_ASCII)), 40);
    assertTrue(refused(Files.write(folder.resolve("cut.gz"), cut)).contains("can't be read"));
  }

  @Test
  void aBombGoesNoFurtherThanItsBound() throws IOException {
    byte[] bomb = KernelFiles.gzip(new byte[64 << 20]);
    assertTrue(refused(Files.write(folder.resolve("bomb"), bomb)).contains("more than 4194304"));
    Path sparse = folder.resolve("sparse");
    try (RandomAccessFile file = new RandomAccessFile(sparse.toFile(), "rw")) {
      file.setLength(1L << 40);
    }
    assertTrue(refused(sparse).contains("more than 4194304"));
  }

  private static String refused(Path file) {
    MachineException e = assertThrows(MachineException.class, () -> KernelConfig.read(file));
    assertEquals(Problem.KERNEL_CONFIG, e.problem());
    assertEquals(file.toString(), e.subject());
    assertEquals(1, e.getMessage().lines().count());
    return e.getMessage();
  }

  @Test
  void findsTheConfigurationInAnImage() throws IOException {
    byte[] vmlinux = KernelFiles.vmlinux(KernelFiles.text("6.1.0", TEXT));
    Path elf = Files.write(folder.resolve("vmlinux"), vmlinux);
    Path packed = Files.write(folder.resolve("bzImage"), KernelFiles.bzImage("", vmlinux));
    for (Path image : new Path[] {elf, packed}) {
      KernelConfig config = KernelConfig.fromImage(image).orElseThrow();
      assertTrue(config.isModule("VIRTIO_PCI"));
      assertEquals("the configuration in " + image, config.origin());
    }
  }

  @Test
  void findsItAcrossThePiecesThatAreSearched() throws IOException {
    byte[] text = KernelFiles.text("6.1.0", TEXT);
    int marker =
        new String(text, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf("IKCFG_ST\u001f");
    for (int split = 1; split < 8; split++) {
      byte[] moved = new byte[(1 << 20) - marker - split + text.length];
      System.arraycopy(text, 0, moved, moved.length - text.length, text.length);
      Path image = Files.write(folder.resolve("v" + split), KernelFiles.vmlinux(moved));
      assertTrue(KernelConfig.fromImage(image).isPresent(), "split after " + split);
    }
  }

  @Test
  void anImageWithoutOneHasNone() throws IOException {
    byte[] without = KernelFiles.text("6.1.0", null);
    assertEquals(Optional.empty(), in(without));
    byte[] bomb = KernelFiles.text("6.1.0", "x".repeat(5 << 20));
    assertEquals(Optional.empty(), in(bomb), "more than a configuration can have");
    byte[] manyMarkers = "IKCFG_ST".repeat(200_000).getBytes(US_ASCII);
    assertEquals(Optional.empty(), in(manyMarkers));
    byte[] cut = KernelFiles.text("6.1.0", TEXT);
    assertEquals(Optional.empty(), in(Arrays.copyOf(cut, cut.length - 160)));
  }

  private Optional<KernelConfig> in(byte[] text) throws IOException {
    return KernelConfig.fromImage(Files.write(folder.resolve("image"), KernelFiles.vmlinux(text)));
  }

  @Test
  void aDamagedPayloadIsNotItsAffair() throws IOException {
    byte[] image = KernelFiles.bzImage("", KernelFiles.vmlinux(KernelFiles.text("6.1.0", TEXT)));
    image[1024 + 40] ^= 1;
    assertEquals(
        Optional.empty(), KernelConfig.fromImage(Files.write(folder.resolve("image"), image)));
  }
}
