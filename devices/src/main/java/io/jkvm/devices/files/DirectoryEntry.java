// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

import java.nio.ByteBuffer;

/** One entry of a directory; an object that is used for one after the other. */
public final class DirectoryEntry {
  private ByteBuffer buffer;
  private int nameAt;
  private int nameLength;
  private long inode;
  private long cookie;
  private int type;

  /**
   * Becomes an entry whose name is somewhere in the directory's own buffer.
   *
   * @param newBuffer has the name, before its limit, unchanged until the next entry is asked for
   * @param newNameAt index of its first byte
   * @param newNameLength in bytes, 1 to 255, without a NUL
   */
  public void name(ByteBuffer newBuffer, int newNameAt, int newNameLength) {
    buffer = newBuffer;
    nameAt = newNameAt;
    nameLength = newNameLength;
  }

  /**
   * The rest of the entry.
   *
   * @param newInode as {@link FileAttributes#inode}, or as near as can be told without a look at it
   * @param newCookie names the place behind it for {@link OpenDirectory#seek}; not 0
   * @param newType of the file as {@code d_type} of getdents64(2), which is bits 12 to 15 of the
   *     mode; 0 if not known
   */
  public void place(long newInode, long newCookie, int newType) {
    inode = newInode;
    cookie = newCookie;
    type = newType;
  }

  /**
   * Where the name is, from {@link #nameAt} on and before the limit; the position does not matter.
   */
  public ByteBuffer buffer() {
    return buffer;
  }

  public int nameAt() {
    return nameAt;
  }

  /** Length of the name in bytes. */
  public int nameLength() {
    return nameLength;
  }

  public long inode() {
    return inode;
  }

  public long cookie() {
    return cookie;
  }

  public int type() {
    return type;
  }
}
