// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

/** Flags of Linux/x86-64 that a {@link FileTree} gets; there are no others. */
public final class OpenFlags {
  /** The access mode's bits: one of the three below. */
  public static final int ACCESS_MODE = 3;

  /** O_RDONLY. */
  public static final int READ_ONLY = 0;

  /** O_WRONLY. */
  public static final int WRITE_ONLY = 1;

  /** O_RDWR. */
  public static final int READ_WRITE = 2;

  /** O_EXCL, of {@link FileTree#create} only. */
  public static final int EXCLUSIVE = 0x80;

  /** O_TRUNC. */
  public static final int TRUNCATE = 0x200;

  /** O_DSYNC: each write is on stable storage when it returns. */
  public static final int DATA_SYNC = 0x1000;

  /** O_SYNC, which has the bit of O_DSYNC in it. */
  public static final int SYNC = 0x101000;

  /** RENAME_NOREPLACE: {@code EEXIST} if there is something of the new name. */
  public static final int RENAME_NOREPLACE = 1;

  /** RENAME_EXCHANGE: both must be there. */
  public static final int RENAME_EXCHANGE = 2;

  /** XATTR_CREATE: {@code EEXIST} if it is there. */
  public static final int XATTR_CREATE = 1;

  /** XATTR_REPLACE: {@code ENODATA} if it is not there. */
  public static final int XATTR_REPLACE = 2;

  private OpenFlags() {}

  /** Whether open flags ask for more than reading. */
  public static boolean writes(int flags) {
    return (flags & ACCESS_MODE) != READ_ONLY || (flags & TRUNCATE) != 0;
  }
}
