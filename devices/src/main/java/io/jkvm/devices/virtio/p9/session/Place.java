// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import io.jkvm.devices.files.FileMode;

/**
 * Where a fid is: a node, and the directory and name that it was found by, which make {@code ..}
 * and requests that name a file by its fid possible. All fids of a name share one, so that a rename
 * moves what is below with it. A place has one reference to its node of the tree's. Changed by
 * {@link PlaceTree} only.
 */
public final class Place {
  final long node;
  private final long inode;
  private final int type;

  /** Null of the root. */
  Place parent;

  byte[] name;

  /** Whether the parent has it by its name. */
  boolean attached;

  /** How many fids and places below there are. */
  int holders;

  /** The next one of {@link PlaceNames} in the same slot. */
  Place next;

  Place(long node, long inode, int mode) {
    this.node = node;
    this.inode = inode;
    type = mode & FileMode.TYPE;
  }

  /** The node's number in the tree. */
  public long node() {
    return node;
  }

  /** The file's number for the guest. */
  public long inode() {
    return inode;
  }

  /** The file's type, of {@link FileMode#TYPE}, which never changes. */
  public int type() {
    return type;
  }

  public boolean isDirectory() {
    return type == FileMode.DIRECTORY;
  }

  /** The directory that it was found in; the root's is the root. */
  public Place directory() {
    return parent == null ? this : parent;
  }
}
