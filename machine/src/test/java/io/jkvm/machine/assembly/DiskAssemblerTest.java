// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.machine.spec.DiskSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskAssemblerTest {
  /** VIRTIO_BLK_F_RO (virtio 1.2, section 5.2.3). */
  private static final long READ_ONLY = 1 << 5;

  @TempDir Path folder;

  private final List<String> said = new ArrayList<>();

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

  private long features(DiskSpec disk, CloseStack resources) throws Exception {
    return open(resources, disk).get(0).features() & READ_ONLY;
  }

  private List<VirtioDevice> open(CloseStack resources, DiskSpec... disks) throws Exception {
    return new DiskAssembler("test", new Host(), said::add, resources).open(List.of(disks));
  }

  @Test
  void whatDisksWorkByIsSaidOnce() throws Exception {
    Path first = Files.write(folder.resolve("first"), new byte[1 << 20]);
    Path second = Files.write(folder.resolve("second"), new byte[1 << 20]);
    CloseStack resources = new CloseStack("test");
    try {
      open(resources, DiskSpec.raw(first), DiskSpec.raw(second).withoutPolling());
      assertEquals(1, said.size());
      assertTrue(said.get(0).startsWith("disks work by "), said.get(0));
    } finally {
      resources.close();
    }
    assertEquals(List.of(), resources.failures());
  }
}
