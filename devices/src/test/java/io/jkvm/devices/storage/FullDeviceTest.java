// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.NativeMemory;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A block device that takes writes and finds no room for them later, as a thin pool does. */
@Timeout(300)
class FullDeviceTest {
  private static final int WRITTEN_BYTES = 4 << 20;

  @TempDir Path folder;
  private final NativeMemory data = new NativeMemory(WRITTEN_BYTES);

  private static boolean run(String... command) throws Exception {
    return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
  }

  private void write(RawImage disk) throws IOException {
    IoVector vector = new IoVector(1);
    vector.add(data.address(), WRITTEN_BYTES);
    disk.write(vector, 0);
  }

  /** The kernel tells each descriptor once, and then takes the lost data for written. */
  @Test
  void aFlushThatFailedStaysFailedUntilTheDiskIsOpenedAnew() throws Exception {
    for (int at = 0; at < WRITTEN_BYTES; at += 8) {
      data.buffer().putLong(at, -1);
    }
    String small = folder.toString();
    assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=1m", "none", small), "may not mount");
    try {
      Path file = folder.resolve("disk.img");
      try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
        sparse.setLength(8 << 20);
      }
      try (LoopDevice loop = LoopDevice.over(file, 512);
          Fd control = Fd.open(loop.path().toString(), Fd.READ_WRITE)) {
        try (RawImage disk = RawImage.open(loop.path(), false)) {
          write(disk);
          assertThrows(IOException.class, disk::flush);
          assertThrows(IOException.class, disk::flush);
          assertTrue(FileIo.fdatasync(control) < 0, "the device was not full");
          assertEquals(0, FileIo.fdatasync(control), "the kernel has not forgotten it");
          assertTrue(run("mount", "-o", "remount,size=16m", small));
          assertThrows(IOException.class, disk::flush);
        }
        try (RawImage again = RawImage.open(loop.path(), false)) {
          write(again);
          again.flush();
        }
      }
    } finally {
      run("umount", "-l", small);
    }
  }
}
