// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The file systems of images that can be a guest's root, by what their superblocks begin with. Each
 * has the name of its driver's module.
 */
enum ImageFileSystem {
  /** And ext2 and ext3, which have the same superblock (Linux, fs/ext4/ext4.h). */
  EXT4("ext4", 1024 + 56, 0x53, 0xEF),
  /** Linux, fs/xfs/libxfs/xfs_format.h. */
  XFS("xfs", 0, 'X', 'F', 'S', 'B'),
  /** Linux, include/uapi/linux/btrfs_tree.h. */
  BTRFS("btrfs", (64 << 10) + 64, '_', 'B', 'H', 'R', 'f', 'S', '_', 'M'),
  /** Linux, include/linux/f2fs_fs.h. */
  F2FS("f2fs", 1024, 0x10, 0x20, 0xF5, 0xF2),
  /** Linux, fs/erofs/erofs_fs.h. */
  EROFS("erofs", 1024, 0xE2, 0xE1, 0xF5, 0xE0),
  /** Linux, fs/squashfs/squashfs_fs.h. */
  SQUASHFS("squashfs", 0, 'h', 's', 'q', 's');

  private final String module;
  private final long offset;
  private final byte[] magic;

  ImageFileSystem(String module, long offset, int... magic) {
    this.module = module;
    this.offset = offset;
    this.magic = new byte[magic.length];
    for (int i = 0; i < magic.length; i++) {
      this.magic[i] = (byte) magic[i];
    }
  }

  /**
   * The modules with which the file system of an image can be mounted: one, or where it is not
   * known all that there are.
   *
   * @param image that can't be read has others who say so
   */
  static List<String> modules(Path image) {
    return of(image)
        .map(found -> List.of(found.module))
        .orElseGet(() -> Arrays.stream(values()).map(each -> each.module).toList());
  }

  static Optional<ImageFileSystem> of(Path image) {
    try (FileChannel file = FileChannel.open(image)) {
      for (ImageFileSystem each : values()) {
        if (each.isIn(file)) {
          return Optional.of(each);
        }
      }
    } catch (IOException e) {
      return Optional.empty();
    }
    return Optional.empty();
  }

  private boolean isIn(FileChannel file) throws IOException {
    ByteBuffer read = ByteBuffer.allocate(magic.length);
    while (read.hasRemaining()) {
      if (file.read(read, offset + read.position()) < 0) {
        return false;
      }
    }
    return Arrays.equals(read.array(), magic);
  }
}
