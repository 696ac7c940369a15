// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Fd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Images and devices that get another size while they are open. */
@Timeout(300)
class GrowingImageTest {
  @TempDir Path folder;

  private Path image(long length) throws IOException {
    Path path = Files.write(folder.resolve("disk.img"), new byte[0]);
    resize(path, length);
    return path;
  }

  private static void resize(Path path, long length) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      if (length < channel.size()) {
        channel.truncate(length);
      } else if (length > channel.size()) {
        channel.write(ByteBuffer.allocate(1), length - 1);
      }
    }
  }

  @Test
  void growsByWholeSectorsAndNeverShrinks() throws Exception {
    Path path = image(4096);
    try (RawImage disk = RawImage.open(path, false)) {
      assertEquals(4096, disk.rescan());
      resize(path, 8192);
      assertEquals(4096, disk.capacityBytes(), "before anybody looked");
      assertEquals(8192, disk.rescan());
      assertEquals(8192, disk.capacityBytes());
      resize(path, 10_000);
      assertEquals(9728, disk.rescan());
      assertEquals(9728, disk.capacityBytes());
      resize(path, 1000);
      assertEquals(512, disk.rescan());
      assertEquals(9728, disk.capacityBytes());
      resize(path, 1L << 42);
      assertEquals(1L << 42, disk.rescan());
      assertEquals(1L << 42, disk.capacityBytes());
      assertEquals(1L << 42, new ReadOnlyBackend(disk).rescan());
    }
  }

  /** A direct write of a part of the last block would make the file longer. */
  @Test
  void whereWritesAreOfBlocksItGrowsByWholeOnes() throws Exception {
    Path path = image(4096);
    DirectAlignment blocks = new DirectAlignment(512, 4096);
    try (Fd fd = Fd.open(path.toString(), Fd.READ_WRITE)) {
      RawImage writable = new RawImage("d", fd, 4096, 512, false, blocks);
      RawImage readOnly = new RawImage("d", fd, 4096, 512, true, blocks);
      resize(path, 8192 + 1024);
      assertEquals(8192, writable.rescan());
      assertEquals(8192, writable.capacityBytes());
      assertEquals(9216, readOnly.rescan());
      assertEquals(9216, readOnly.capacityBytes());
    }
  }

  @Test
  void aFileThatTakesItsNameIsNotLookedAt() throws Exception {
    Path path = image(4096);
    try (RawImage disk = RawImage.open(path, false)) {
      Path other = Files.write(folder.resolve("other"), new byte[1 << 16]);
      Files.move(other, path, StandardCopyOption.REPLACE_EXISTING);
      assertEquals(4096, disk.rescan());
      Files.delete(path);
      assertEquals(4096, disk.rescan());
    }
  }

  @Test
  void aClosedImageIsNotLookedAt() throws Exception {
    RawImage disk = RawImage.open(image(4096), true);
    disk.close();
    assertEquals(4096, disk.rescan());
    disk.close();
  }

  @Test
  void whatHasNoLengthIsAnErrorWithTheDisksName() throws Exception {
    try (Fd terminal = Fd.open("/dev/ptmx", Fd.READ_WRITE)) {
      RawImage disk = new RawImage("d", terminal, 4096, 512, true);
      DiskException e = assertThrows(DiskException.class, disk::rescan);
      assertEquals(DiskException.Kind.UNMEASURABLE, e.kind());
      assertTrue(e.getMessage().startsWith("disk d: can't be measured (lseek: "), e.getMessage());
      assertEquals(4096, disk.capacityBytes());
    }
  }

  /** A loop device takes the size of its file when it is told to. */
  @Test
  void aBlockDeviceGrows() throws Exception {
    Path path = image(1 << 20);
    List<String> made = output("losetup", "--find", "--show", path.toString());
    assumeTrue(made.size() == 1 && made.get(0).startsWith("/dev/loop"), "needs a loop device");
    String device = made.get(0);
    try {
      try (RawImage disk = RawImage.open(Path.of(device), false)) {
        assertEquals(1 << 20, disk.capacityBytes());
        resize(path, 3 << 20);
        assertEquals(1 << 20, disk.rescan());
        output("losetup", "--set-capacity", device);
        assertEquals(3 << 20, disk.rescan());
        assertEquals(3 << 20, disk.capacityBytes());
        resize(path, 1 << 20);
        output("losetup", "--set-capacity", device);
        assertEquals(1 << 20, disk.rescan());
        assertEquals(3 << 20, disk.capacityBytes());
      }
    } finally {
      output("losetup", "--detach", device);
    }
  }

  /** Nothing if there is no such program, or it fails. */
  private static List<String> output(String... command) throws Exception {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      return List.of();
    }
    List<String> lines = new ArrayList<>();
    try (var reader = process.inputReader()) {
      reader.lines().forEach(lines::add);
    }
    return process.waitFor() == 0 ? lines : List.of();
  }
}
