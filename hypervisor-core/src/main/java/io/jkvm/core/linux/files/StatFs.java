// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.NativeMemory;
import java.lang.ref.Reference;

/**
 * {@code struct statfs} of x86-64 (statfs(2)): what file system an inode lies in, and how full it
 * is.
 *
 * <pre>
 * struct statfs {                              offset
 *   long f_type, f_bsize;                          0, 8
 *   u64 f_blocks, f_bfree, f_bavail;              16, 24, 32
 *   u64 f_files, f_ffree;                         40, 48
 *   int f_fsid[2];                                56
 *   long f_namelen, f_frsize, f_flags;            64, 72, 80
 * };                                             120 in all
 * </pre>
 */
public final class StatFs {
  // include/uapi/linux/magic.h; a devtmpfs shows TMPFS_MAGIC.
  public static final long AUTOFS_SUPER_MAGIC = 0x187;
  public static final long BINFMTFS_MAGIC = 0x42494e4d;
  public static final long BPF_FS_MAGIC = 0xcafe4a11L;
  public static final long CGROUP_SUPER_MAGIC = 0x27e0eb;
  public static final long CGROUP2_SUPER_MAGIC = 0x63677270;
  public static final long CONFIGFS_MAGIC = 0x62656570;
  public static final long DEBUGFS_MAGIC = 0x64626720;
  public static final long DEVPTS_SUPER_MAGIC = 0x1cd1;
  public static final long EFIVARFS_MAGIC = 0xde5e81e4L;
  public static final long FUSE_SUPER_MAGIC = 0x65735546;
  public static final long NFS_SUPER_MAGIC = 0x6969;
  public static final long PROC_SUPER_MAGIC = 0x9fa0;
  public static final long PSTOREFS_MAGIC = 0x6165676c;
  public static final long SECURITYFS_MAGIC = 0x73636673;
  public static final long SYSFS_MAGIC = 0x62656572;
  public static final long TMPFS_MAGIC = 0x01021994;
  public static final long TRACEFS_MAGIC = 0x74726163;

  private static final int BYTES = 120;

  private final NativeMemory memory = new NativeMemory(BYTES);

  /** All fields 0. */
  public StatFs() {}

  /**
   * fstatfs(2), of a handle or an open file.
   *
   * @return 0, or an errno negated
   */
  public int read(int fd) {
    long result = SystemCall.call(SystemCall.FSTATFS, fd, memory.address());
    Reference.reachabilityFence(this);
    return (int) result;
  }

  /** The magic number of the file system's type. */
  public long type() {
    return memory.buffer().getLong(0);
  }

  /** The preferred size of transfers in bytes. */
  public long blockSize() {
    return memory.buffer().getLong(8);
  }

  /** How large it is, in units of {@link #fragmentSize}. */
  public long blocks() {
    return memory.buffer().getLong(16);
  }

  /** What is free, in units of {@link #fragmentSize}. */
  public long freeBlocks() {
    return memory.buffer().getLong(24);
  }

  /** What is free for others than root, in units of {@link #fragmentSize}. */
  public long availableBlocks() {
    return memory.buffer().getLong(32);
  }

  /** How many inodes there can be. */
  public long files() {
    return memory.buffer().getLong(40);
  }

  public long freeFiles() {
    return memory.buffer().getLong(48);
  }

  /** f_fsid, its first word in the low half. */
  public long id() {
    return memory.buffer().getLong(56);
  }

  /** The most bytes of a name. */
  public long nameLength() {
    return memory.buffer().getLong(64);
  }

  /** In bytes. */
  public long fragmentSize() {
    return memory.buffer().getLong(72);
  }

  /** ST_ values of how it is mounted (statfs(2)). */
  public long flags() {
    return memory.buffer().getLong(80);
  }
}
