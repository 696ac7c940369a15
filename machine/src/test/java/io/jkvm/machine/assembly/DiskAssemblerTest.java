// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import static io.jkvm.machine.spec.DiskTuning.Cache.WRITETHROUGH;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.devices.storage.DiskException;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.ReadOnlyBackend;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.DiskTuning;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskAssemblerTest {
  /** VIRTIO_BLK_F_RO (virtio 1.2, section 5.2.3). */
  private static final long READ_ONLY = 1 << 5;

  /** VIRTIO_BLK_F_CONFIG_WCE and VIRTIO_BLK_F_MQ. */
  private static final long CONFIG_WCE = 1 << 11;

  private static final long MULTIQUEUE = 1 << 12;

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

  private List<VirtioBlock> open(CloseStack resources, DiskSpec... disks) throws Exception {
    return new DiskAssembler("test", 2, new Host(), said::add, resources).open(List.of(disks));
  }

  @Test
  void tuningReachesTheDevice() throws Exception {
    Path image = Files.write(folder.resolve("disk"), new byte[1 << 20]);
    DiskTuning tuning = DiskTuning.DEFAULT.withQueues(4);
    try (CloseStack resources = new CloseStack("test")) {
      VirtioDevice disk = open(resources, DiskSpec.raw(image).withTuning(tuning)).get(0);
      assertEquals(2, disk.queueSizes().length, "no more than processors");
      assertEquals(MULTIQUEUE | CONFIG_WCE, disk.features() & (MULTIQUEUE | CONFIG_WCE));
      assertEquals(2, disk.config().read(34, 2));
    }
    try (CloseStack resources = new CloseStack("test")) {
      DiskSpec spec = DiskSpec.raw(image).withTuning(tuning.withQueues(1).withCache(WRITETHROUGH));
      VirtioDevice disk = open(resources, spec).get(0);
      assertEquals(0, disk.features() & (MULTIQUEUE | CONFIG_WCE));
      assertEquals(0, disk.config().read(32, 1));
    }
    try (CloseStack resources = new CloseStack("test")) {
      DiskSpec own = DiskSpec.custom("own", () -> new ReadOnlyBackend(RawImage.open(image, true)));
      assertEquals(1, open(resources, own.withTuning(tuning)).get(0).queueSizes().length);
    }
  }

  @Test
  void anImageThatGoesPastThePageCacheIsSaid() throws Exception {
    Path image = Files.write(folder.resolve("disk"), new byte[1 << 20]);
    DiskSpec disk = DiskSpec.raw(image).withTuning(DiskTuning.DEFAULT.withDirect());
    try (CloseStack resources = new CloseStack("test")) {
      open(resources, disk);
      String line = said.get(said.size() - 1);
      assertTrue(line.matches("disk .*/disk: past the page cache, in units of [0-9]+ bytes"), line);
    } catch (DiskException e) {
      assumeTrue(e.kind() != DiskException.Kind.NO_DIRECT_IO, e.getMessage());
      throw e;
    }
    said.clear();
    try (CloseStack resources = new CloseStack("test")) {
      open(resources, DiskSpec.raw(image));
      assertTrue(said.stream().noneMatch(line -> line.contains("page cache")), said.toString());
    }
  }

  @Test
  void whatDisksWorkByIsSaidOnce() throws Exception {
    Path first = Files.write(folder.resolve("first"), new byte[1 << 20]);
    Path second = Files.write(folder.resolve("second"), new byte[1 << 20]);
    CloseStack resources = new CloseStack("test");
    try {
      open(resources, DiskSpec.raw(first), DiskSpec.raw(second));
      assertEquals(1, said.size());
      assertTrue(said.get(0).startsWith("disks work by "), said.get(0));
    } finally {
      resources.close();
    }
    assertEquals(List.of(), resources.failures());
  }
}
