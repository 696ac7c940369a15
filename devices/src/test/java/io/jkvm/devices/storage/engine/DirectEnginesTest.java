// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.devices.storage.DirectImages;
import io.jkvm.devices.storage.RawImage;
import org.junit.jupiter.api.Nested;

/** What holds for every engine does so past the page cache, too. */
class DirectEnginesTest {
  /** In the blocks that the file has, which take these requests as they are. */
  @Nested
  class InBlocksOfTheFile extends DiskEngineTest {
    @Override
    RawImage openImage(boolean readOnly) throws Exception {
      return DirectImages.open(path, readOnly, 1);
    }
  }

  /** In blocks of several sectors, which some ranges of these requests are less than. */
  @Nested
  class InLargeBlocks extends DiskEngineTest {
    @Override
    RawImage openImage(boolean readOnly) throws Exception {
      return DirectImages.open(path, readOnly, BLOCK);
    }
  }

  /** The same of what they take of the host. */
  @Nested
  class ResourcesInBlocksOfTheFile extends EngineResourcesTest {
    @Override
    RawImage openImage(boolean readOnly) throws Exception {
      return DirectImages.open(path, readOnly, 1);
    }

    @Override
    int opens() {
      return 100;
    }
  }

  /** All of these go through buffers. */
  @Nested
  class ResourcesInLargeBlocks extends EngineResourcesTest {
    @Override
    RawImage openImage(boolean readOnly) throws Exception {
      return DirectImages.open(path, readOnly, BLOCK);
    }

    @Override
    int opens() {
      return 100;
    }
  }
}
