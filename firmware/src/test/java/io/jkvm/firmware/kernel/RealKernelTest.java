// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Kernels that Linux's own build made, where there are any. */
class RealKernelTest {
  private static final Path BUILD =
      Path.of(System.getProperty("jkvm.root", ".."), "guest-images", "build");

  @Test
  void defaultGuest() throws IOException {
    Path file = BUILD.resolve("bzImage");
    assumeTrue(Files.exists(file), "no default guest");
    ElfKernel unpacked = check(file);
    Path vmlinux = BUILD.resolve("vmlinux");
    if (Files.exists(vmlinux)) {
      ElfKernel whole = assertInstanceOf(ElfKernel.class, KernelImage.open(vmlinux));
      assertEquals(whole.entryAddress(), unpacked.entryAddress());
      assertEquals(whole.endAddress(), unpacked.endAddress());
      assertEquals(whole.pvhEntryAddress(), unpacked.pvhEntryAddress());
      assertTrue(whole.pvhEntryAddress().isPresent());
    }
  }

  @Test
  void installedKernels() throws IOException {
    int count = 0;
    Path boot = Path.of("/boot");
    assumeTrue(Files.isDirectory(boot), "no /boot");
    try (DirectoryStream<Path> kernels = Files.newDirectoryStream(boot, "vmlinuz-*")) {
      for (Path kernel : kernels) {
        if (Files.isReadable(kernel)) {
          check(kernel);
          count++;
        }
      }
    }
    assumeTrue(count > 0, "no kernel in /boot");
  }

  private static ElfKernel check(Path file) throws IOException {
    BzImage image = assertInstanceOf(BzImage.class, KernelImage.open(file));
    assertTrue(image.header().has64BitEntry());
    assertTrue(image.payloadFormat().known());
    ElfKernel kernel = image.unpack();
    assertEquals(image.header().preferredAddress(), kernel.startAddress());
    assertEquals(OptionalLong.of(image.header().preferredAddress()), kernel.entryAddress());
    assertTrue(
        kernel.endAddress() <= image.header().preferredAddress() + image.header().initBytes());
    return kernel;
  }
}
