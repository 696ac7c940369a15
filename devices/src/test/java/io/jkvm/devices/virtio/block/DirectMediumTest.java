// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import io.jkvm.devices.storage.DirectImages;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;

/** A medium that fails, and one that loses its power, behind direct I/O. */
class DirectMediumTest {
  /** A call transfers no part of a block: that would be the end of the file. */
  @Nested
  class FaultyInSectors extends FaultyMediumTest {
    @Override
    RawImage openImage(Path path) throws Exception {
      return DirectImages.open(path, false, 1);
    }

    @Override
    int[] shortTransfers() {
      return new int[] {4096, 512, 5120};
    }

    @Override
    boolean canShortenWrites(Kind kind) {
      return kind != Kind.IO_URING; // FUSE makes EIO of one that is asynchronous
    }
  }

  /** The same with larger blocks. */
  @Nested
  class FaultyInLargeBlocks extends FaultyMediumTest {
    @Override
    RawImage openImage(Path path) throws Exception {
      return DirectImages.open(path, false, 4096);
    }

    @Override
    int[] shortTransfers() {
      return new int[] {4096, 12288, 5120};
    }

    @Override
    boolean canShortenWrites(Kind kind) {
      return kind != Kind.IO_URING;
    }
  }

  /** Reads are by the device itself into the guest's memory, writes from it. */
  @Nested
  class ResetInSectors extends BlockResetTest {
    @Override
    RawImage openImage(Path path) throws Exception {
      return DirectImages.open(path, false, 1);
    }
  }

  /** Some are by buffers. */
  @Nested
  class ResetInLargeBlocks extends BlockResetTest {
    @Override
    RawImage openImage(Path path) throws Exception {
      return DirectImages.open(path, false, 8192);
    }
  }

  /** Each write is of whole blocks. */
  @Nested
  class PowerCutInSectors extends PowerCutTest {
    @Override
    RawImage openImage(Path path) throws Exception {
      return DirectImages.open(path, false, 1);
    }
  }

  /** Many writes are of a part of a block, and write the rest of it once more. */
  @Nested
  class PowerCutInLargeBlocks extends PowerCutTest {
    @Override
    RawImage openImage(Path path) throws Exception {
      return DirectImages.open(path, false, 4096);
    }
  }
}
