// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

import io.jkvm.core.linux.files.FileMode;
import io.jkvm.core.linux.files.Statx;

/**
 * An object of the host that a guest knows. Guarded by the lock of its {@link NodeTable}, but for
 * what the public methods tell, which stays the same while the node is in use ({@link
 * HostNodes#use}). Used again for another one when it is gone.
 */
public final class HostNode {
  static final int NO_HANDLE = -1;
  private static final int NO_BIRTH = -1;
  private static final int NAME_UNIT = 16;

  long number;
  long device;
  long inode;
  long mountId;
  long birthSeconds;
  int birthNanos;
  long shown;
  int type;
  boolean mountRoot;
  boolean special;
  boolean remote;
  boolean layered;

  long references;
  int users;
  int children;
  HostNode parent;
  byte[] name = {};
  int nameLength;

  int handle;
  boolean pinned;
  boolean listed;
  boolean keyed;
  HostNode older;
  HostNode newer;
  OpenDescriptor newestFile;
  HostNode nextByNumber;
  HostNode nextByKey;

  /** Becomes another object, which nobody knows by a name yet. */
  void reset(long newNumber) {
    number = newNumber;
    device = 0;
    inode = 0;
    mountId = 0;
    birthSeconds = 0;
    birthNanos = NO_BIRTH;
    shown = 0;
    type = FileMode.S_IFDIR;
    mountRoot = false;
    special = false;
    remote = false;
    layered = false;
    references = 0;
    users = 0;
    children = 0;
    parent = null;
    nameLength = 0;
    handle = NO_HANDLE;
    pinned = false;
    listed = false;
    keyed = false;
    newestFile = null;
  }

  /** Becomes what was read of an inode. */
  void identify(Statx stat) {
    device = stat.device();
    inode = stat.inode();
    type = stat.mode() & FileMode.S_IFMT;
    mountId = mountId(stat);
    if ((stat.mask() & Statx.STATX_BTIME) != 0) {
      birthSeconds = stat.birthSeconds();
      birthNanos = stat.birthNanoseconds();
    }
  }

  /** Whether an inode has the place of this one: the same one, or another with its number. */
  boolean hasPlaceOf(Statx stat) {
    return device == stat.device() && inode == stat.inode() && mountId == mountId(stat);
  }

  /** Whether an inode is this one, as far as its file system lets it tell. */
  boolean is(Statx stat) {
    boolean sameBirth =
        layered
            || birthNanos == NO_BIRTH
            || (stat.mask() & Statx.STATX_BTIME) == 0
            || birthSeconds == stat.birthSeconds() && birthNanos == stat.birthNanoseconds();
    return hasPlaceOf(stat) && type == (stat.mode() & FileMode.S_IFMT) && sameBirth;
  }

  private static long mountId(Statx stat) {
    return (stat.mask() & Statx.STATX_MNT_ID) != 0 ? stat.mountId() : 0;
  }

  /** Whether it is known by a name in a directory. */
  boolean isAt(HostNode directory, byte[] otherName, int length) {
    if (parent != directory || nameLength != length) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (name[i] != otherName[i]) {
        return false;
      }
    }
    return true;
  }

  void rename(byte[] newName, int length) {
    if (name.length < length) {
      name = new byte[(length + NAME_UNIT - 1) / NAME_UNIT * NAME_UNIT];
    }
    System.arraycopy(newName, 0, name, 0, length);
    nameLength = length;
  }

  public long number() {
    return number;
  }

  /** The inode number that the guest sees. */
  public long shown() {
    return shown;
  }

  /** The O_PATH handle; of a {@link #isSpecial} node there is none. */
  public int handle() {
    return handle;
  }

  /** The file system it lies in, as {@link Statx#device}. */
  public long device() {
    return device;
  }

  public boolean isDirectory() {
    return type == FileMode.S_IFDIR;
  }

  /** Whether it stands for a mount of a file system that is not for guests: an empty directory. */
  public boolean isSpecial() {
    return special;
  }

  /** Whether it is the root of a mount below the share's root. */
  public boolean isMountRoot() {
    return mountRoot;
  }
}
