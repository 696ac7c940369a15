// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

/**
 * The mode of an inode (inode(7)): its type and its permissions; also the types in entries of
 * directories, and the numbers of devices.
 */
public final class FileMode {
  /** The bits of the type. */
  public static final int S_IFMT = 0170000;

  public static final int S_IFSOCK = 0140000;
  public static final int S_IFLNK = 0120000;
  public static final int S_IFREG = 0100000;
  public static final int S_IFBLK = 0060000;
  public static final int S_IFDIR = 0040000;
  public static final int S_IFCHR = 0020000;
  public static final int S_IFIFO = 0010000;

  public static final int S_ISUID = 04000;
  public static final int S_ISGID = 02000;
  public static final int S_IXGRP = 010;
  public static final int S_ISVTX = 01000;

  /** All that chmod(2) can set. */
  public static final int PERMISSIONS = 07777;

  public static final int DT_UNKNOWN = 0;
  public static final int DT_FIFO = 1;
  public static final int DT_CHR = 2;
  public static final int DT_DIR = 4;
  public static final int DT_BLK = 6;
  public static final int DT_REG = 8;
  public static final int DT_LNK = 10;
  public static final int DT_SOCK = 12;

  private FileMode() {}

  /** S_ISREG. */
  public static boolean isRegular(int mode) {
    return (mode & S_IFMT) == S_IFREG;
  }

  /** S_ISDIR. */
  public static boolean isDirectory(int mode) {
    return (mode & S_IFMT) == S_IFDIR;
  }

  /** S_ISLNK. */
  public static boolean isSymbolicLink(int mode) {
    return (mode & S_IFMT) == S_IFLNK;
  }

  /** S_ISFIFO. */
  public static boolean isFifo(int mode) {
    return (mode & S_IFMT) == S_IFIFO;
  }

  /** S_ISSOCK. */
  public static boolean isSocket(int mode) {
    return (mode & S_IFMT) == S_IFSOCK;
  }

  /** S_ISCHR or S_ISBLK. */
  public static boolean isDevice(int mode) {
    return (mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK;
  }

  /** Whether somebody may open an inode of this mode without effects: a file or a directory. */
  public static boolean isOpenable(int mode) {
    return isRegular(mode) || isDirectory(mode);
  }

  /** IFTODT: the type of a mode as an entry of a directory has it. */
  public static int directoryType(int mode) {
    return (mode & S_IFMT) >>> 12;
  }

  /**
   * The number of a device as system calls and FUSE have it, in 32 bits (new_encode_dev).
   *
   * @param major 12 bits count
   * @param minor 20 bits count
   */
  public static int device(int major, int minor) {
    return minor & 0xff | (major & 0xfff) << 8 | (minor & 0xfff00) << 12;
  }

  /** The major number in one of {@link #device}. */
  public static int major(int device) {
    return device >>> 8 & 0xfff;
  }

  /** The minor number in one of {@link #device}. */
  public static int minor(int device) {
    return device & 0xff | device >>> 12 & 0xfff00;
  }
}
