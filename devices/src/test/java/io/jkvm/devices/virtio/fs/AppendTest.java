// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.devices.virtio.fs.SharedDirectory.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Writes of files that were opened with O_APPEND. */
class AppendTest {
  private static final int O_APPEND = 0x400;

  @TempDir private Path temporary;

  @Test
  void writesOfPagesGoWhereTheyAreToldWithAppendToo() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      share.file("f", "0123456789");
      final long node = share.node("f");
      int flags = O_APPEND | 0x4000 | 0x40000 | 1; // O_DIRECT, O_NOATIME, O_WRONLY
      final long handle = share.guest.open(node, flags).handle();
      byte[] data = "xx".getBytes(StandardCharsets.UTF_8);
      share.guest.write(node, handle, 2, data).ok();
      assertEquals("01xx456789", Files.readString(share.root.resolve("f")));
      share.guest.write(node, handle, 4, data, FuseDriver.WRITE_CACHE, O_APPEND).ok();
      assertEquals("01xxxx6789", Files.readString(share.root.resolve("f")));
    }
  }

  /** The guest's kernel takes the size that it knows, which may be a second old. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void whatIsAppendedGoesBehindWhatOthersHaveAppended(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      share.file("f", "one ");
      final long node = share.node("f");
      final long handle = share.guest.open(node, O_APPEND | 1).handle();
      final long other = share.guest.open(node, 1).handle();
      share.guest.write(node, other, 4, "two ".getBytes(StandardCharsets.UTF_8)).ok();
      byte[] data = "three".getBytes(StandardCharsets.UTF_8);
      assertEquals(5, share.guest.write(node, handle, 4, data, 0, O_APPEND).ok().u32(0));
      final long reader = share.guest.open(node, 0).handle();
      assertEquals("one two three", share.guest.read(node, reader, 0, 4096).ok().text());
    }
  }
}
