// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

/**
 * Which attributes are to become what: public fields, of which those count whose bit is in {@link
 * #fields}. An object that is used again and again.
 */
public final class AttributeChange {
  /** {@link #mode}. */
  public static final int MODE = 1;

  /** {@link #uid}. */
  public static final int UID = 1 << 1;

  /** {@link #gid}. */
  public static final int GID = 1 << 2;

  /** {@link #size}. */
  public static final int SIZE = 1 << 3;

  /** {@link #accessSeconds} and {@link #accessNanos}. */
  public static final int ACCESS_TIME = 1 << 4;

  /** {@link #modificationSeconds} and {@link #modificationNanos}. */
  public static final int MODIFICATION_TIME = 1 << 5;

  /** The access time becomes the host's present. */
  public static final int ACCESS_NOW = 1 << 7;

  /** The modification time becomes the host's present. */
  public static final int MODIFICATION_NOW = 1 << 8;

  /** Bits from above, without one of a time and its present both. */
  public int fields;

  /** Permissions, {@link FileMode#PERMISSIONS}. */
  public int mode;

  public int uid;
  public int gid;

  /** The new length in bytes, 0 or more. */
  public long size;

  /** Seconds since 1970, may be negative. */
  public long accessSeconds;

  public long modificationSeconds;

  /** 0 to 999,999,999. */
  public int accessNanos;

  public int modificationNanos;

  /** Whether any of some fields is to change. */
  public boolean has(int bits) {
    return (fields & bits) != 0;
  }
}
