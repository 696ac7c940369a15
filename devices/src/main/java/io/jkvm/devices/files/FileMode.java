// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

/** The bits of a file's mode (inode(7)), and the modes of fallocate(2). */
public final class FileMode {
  /** The type's bits. */
  public static final int TYPE = 0xf000;

  public static final int SOCKET = 0xc000;
  public static final int SYMBOLIC_LINK = 0xa000;
  public static final int REGULAR = 0x8000;
  public static final int BLOCK_DEVICE = 0x6000;
  public static final int DIRECTORY = 0x4000;
  public static final int CHARACTER_DEVICE = 0x2000;
  public static final int FIFO = 0x1000;

  /** The bits that chmod(2) sets: set-user-ID, set-group-ID, sticky, read, write, execute. */
  public static final int PERMISSIONS = 0xfff;

  public static final int SET_UID = 0x800;
  public static final int SET_GID = 0x400;

  /** FALLOC_FL_KEEP_SIZE. */
  public static final int ALLOCATE_KEEP_SIZE = 1;

  /** FALLOC_FL_PUNCH_HOLE, only with the one above. */
  public static final int ALLOCATE_PUNCH_HOLE = 2;

  /** FALLOC_FL_ZERO_RANGE. */
  public static final int ALLOCATE_ZERO_RANGE = 16;

  private FileMode() {}

  public static boolean isDirectory(int mode) {
    return (mode & TYPE) == DIRECTORY;
  }

  public static boolean isRegular(int mode) {
    return (mode & TYPE) == REGULAR;
  }
}
