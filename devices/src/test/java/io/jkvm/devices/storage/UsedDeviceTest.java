// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A block device that somebody uses already must not be written under them. */
class UsedDeviceTest {
  @TempDir Path folder;

  private static boolean run(String... command) throws Exception {
    return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
  }

  private Path image() throws Exception {
    return Files.write(folder.resolve("image"), new byte[4 << 20]);
  }

  private static void assertUsed(Path device) {
    DiskException e = assertThrows(DiskException.class, () -> RawImage.open(device, false).close());
    assertEquals(DiskException.Kind.USED_BY_HOST, e.kind());
    assertTrue(e.getMessage().contains("mounted"), e.getMessage());
    assertTrue(e.getMessage().contains("another jkvm"), e.getMessage());
  }

  @Test
  void aMountedDeviceIsOnlyRead() throws Exception {
    Path image = image();
    Path directory = Files.createDirectory(folder.resolve("mounted"));
    assumeTrue(run("mke2fs", "-q", "-F", image.toString()), "no mke2fs");
    try (LoopDevice device = LoopDevice.over(image, 512)) {
      assumeTrue(run("mount", device.path().toString(), directory.toString()), "may not mount");
      try {
        assertUsed(device.path());
        RawImage.open(device.path(), true).close();
      } finally {
        assertTrue(run("umount", directory.toString()));
      }
      RawImage.open(device.path(), false).close();
    }
  }

  @Test
  void aDeviceThatIsWrittenByAnotherIsNotOpened() throws Exception {
    try (LoopDevice device = LoopDevice.over(image(), 512);
        RawImage first = RawImage.open(device.path(), false)) {
      assertUsed(device.path());
      DiskException e =
          assertThrows(DiskException.class, () -> RawImage.open(device.path(), true).close());
      assertEquals(DiskException.Kind.IN_USE_FOR_WRITING, e.kind());
      assertEquals(4 << 20, first.capacityBytes());
    }
  }

  /** It can be opened for writing by root, and no write to it does. */
  @Test
  void aReadOnlyDeviceIsOnlyRead() throws Exception {
    try (LoopDevice device = LoopDevice.over(image(), 512)) {
      String path = device.path().toString();
      assumeTrue(run("blockdev", "--setro", path), "no blockdev");
      try {
        DiskException e =
            assertThrows(DiskException.class, () -> RawImage.open(device.path(), false).close());
        assertEquals(DiskException.Kind.NOT_WRITABLE, e.kind());
        RawImage.open(device.path(), true).close();
      } finally {
        assertTrue(run("blockdev", "--setrw", path)); // what has its number next would be, too
      }
    }
  }

  @Test
  void aDeviceThatIsGivenUpMeanwhileIsOpened() throws Exception {
    try (LoopDevice device = LoopDevice.over(image(), 512)) {
      Openings.whileInUse(device::path, () -> null).close();
    }
  }
}
