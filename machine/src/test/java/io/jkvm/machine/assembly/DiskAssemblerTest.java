// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.machine.spec.DiskSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskAssemblerTest {
  /** VIRTIO_BLK_F_RO (virtio 1.2, section 5.2.3). */
  private static final long READ_ONLY = 1 << 5;

  @TempDir Path folder;

  @Test
  void aDiskOfOnesOwnIsReadOnlyIfTheSpecificationSaysSo() throws Exception {
    Path image = Files.write(folder.resolve("disk"), new byte[1 << 20]);
    DiskSpec disk = DiskSpec.custom("own", () -> RawImage.open(image, false));
    CloseStack resources = new CloseStack("test");
    try {
      assertEquals(0, features(disk, resources));
    } finally {
      resources.close();
    }
    CloseStack others = new CloseStack("test");
    try {
      assertEquals(READ_ONLY, features(disk.asReadOnly(), others));
    } finally {
      others.close();
    }
  }

  private static long features(DiskSpec disk, CloseStack resources) throws Exception {
    return new DiskAssembler(resources).open(List.of(disk)).get(0).features() & READ_ONLY;
  }
}
