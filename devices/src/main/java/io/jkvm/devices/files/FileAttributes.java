// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

/**
 * What is known of a file, and the node that it is: public fields, since a tree fills all of them
 * in for each request and a device reads them once. An object that is used again and again.
 */
public final class FileAttributes {
  /** The node's number in the {@link FileTree}. */
  public long node;

  /** The tree's own number of the object, the same for all its names; stable while it exists. */
  public long inode;

  /** In bytes. */
  public long size;

  /** Space taken, in units of 512 bytes. */
  public long blocks;

  /** Seconds since 1970, may be negative. */
  public long accessSeconds;

  public long modificationSeconds;

  public long changeSeconds;

  /** 0 to 999,999,999. */
  public int accessNanos;

  public int modificationNanos;

  public int changeNanos;

  /** Type and permissions, {@link FileMode}. */
  public int mode;

  /** How many names it has. */
  public int links;

  /** Owner as the guest is to see it. */
  public int uid;

  public int gid;

  /** Number of a device: minor in bits 0 to 7 and 20 to 31, major in bits 8 to 19; else 0. */
  public int device;

  /** Preferred size of reads and writes in bytes. */
  public int blockBytes;

  /**
   * Whether the guest should give its reference back as soon as it has no use for the node: the
   * tree is about to have as many as it can. Of entries only; false where the tree does not say.
   */
  public boolean fleeting;

  /** Becomes the same as another. */
  public void copy(FileAttributes other) {
    node = other.node;
    inode = other.inode;
    size = other.size;
    blocks = other.blocks;
    accessSeconds = other.accessSeconds;
    modificationSeconds = other.modificationSeconds;
    changeSeconds = other.changeSeconds;
    accessNanos = other.accessNanos;
    modificationNanos = other.modificationNanos;
    changeNanos = other.changeNanos;
    mode = other.mode;
    links = other.links;
    uid = other.uid;
    gid = other.gid;
    device = other.device;
    blockBytes = other.blockBytes;
    fleeting = other.fleeting;
  }
}
