// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.NativeMemory;
import java.lang.ref.Reference;

/**
 * {@code struct statx} (include/uapi/linux/stat.h): what an inode is. Filled anew by each read;
 * which fields the file system could fill is said by {@link #mask}. Sizes, inode numbers and counts
 * are unsigned.
 *
 * <pre>
 * struct statx {                  offset
 *   __u32 stx_mask;                   0
 *   __u32 stx_blksize;                4
 *   __u64 stx_attributes;             8
 *   __u32 stx_nlink;                 16
 *   __u32 stx_uid, stx_gid;          20, 24
 *   __u16 stx_mode;                  28
 *   __u64 stx_ino;                   32
 *   __u64 stx_size, stx_blocks;      40, 48
 *   __u64 stx_attributes_mask;       56
 *   struct statx_timestamp           64 atime, 80 btime, 96 ctime, 112 mtime
 *     { __s64 tv_sec; __u32 tv_nsec; };
 *   __u32 stx_rdev_major, _minor;   128, 132
 *   __u32 stx_dev_major, _minor;    136, 140
 *   __u64 stx_mnt_id;               144
 *   __u32 stx_dio_mem_align;        152
 *   __u32 stx_dio_offset_align;     156
 * };                                256 in all
 * </pre>
 */
public final class Statx {
  public static final int STATX_TYPE = 0x1;
  public static final int STATX_MODE = 0x2;
  public static final int STATX_NLINK = 0x4;
  public static final int STATX_UID = 0x8;
  public static final int STATX_GID = 0x10;
  public static final int STATX_ATIME = 0x20;
  public static final int STATX_MTIME = 0x40;
  public static final int STATX_CTIME = 0x80;
  public static final int STATX_INO = 0x100;
  public static final int STATX_SIZE = 0x200;
  public static final int STATX_BLOCKS = 0x400;

  /** All that stat(2) has. */
  public static final int STATX_BASIC_STATS = 0x7ff;

  public static final int STATX_BTIME = 0x800;

  /** Since Linux 5.8. */
  public static final int STATX_MNT_ID = 0x1000;

  /** Since Linux 6.1, of regular files and block devices, where the file system can say. */
  public static final int STATX_DIOALIGN = 0x2000;

  public static final long STATX_ATTR_COMPRESSED = 0x4;
  public static final long STATX_ATTR_IMMUTABLE = 0x10;
  public static final long STATX_ATTR_APPEND = 0x20;
  public static final long STATX_ATTR_NODUMP = 0x40;
  public static final long STATX_ATTR_ENCRYPTED = 0x800;
  public static final long STATX_ATTR_AUTOMOUNT = 0x1000;

  /** The root of a mount; since Linux 5.8. */
  public static final long STATX_ATTR_MOUNT_ROOT = 0x2000;

  public static final long STATX_ATTR_VERITY = 0x100000;
  public static final long STATX_ATTR_DAX = 0x200000;

  /** What the file system knows without asking a server; else as stat(2) does. */
  public static final int AT_STATX_DONT_SYNC = 0x4000;

  /** The newest, even if a server has to be asked. */
  public static final int AT_STATX_FORCE_SYNC = 0x2000;

  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int AT_NO_AUTOMOUNT = 0x800;
  private static final int AT_EMPTY_PATH = 0x1000;

  private static final int BYTES = 256;

  private final NativeMemory memory = new NativeMemory(BYTES);

  /** All fields 0. */
  public Statx() {}

  /**
   * Reads what an entry of a directory is; a symbolic link is not followed and nothing is mounted.
   *
   * @param flags 0, {@link #AT_STATX_DONT_SYNC} or {@link #AT_STATX_FORCE_SYNC}
   * @param mask STATX_ values that are wanted, e.g. {@link #STATX_BASIC_STATS}
   * @return 0, or an errno negated; then the fields are those of before
   */
  public int readEntry(int directory, NativeName name, int flags, int mask) {
    int all = flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    int result = read(directory, name.address(), all, mask);
    Reference.reachabilityFence(name);
    return result;
  }

  /** As {@link #readEntry}, of the inode that a descriptor holds, a handle or an open file. */
  public int read(int fd, int flags, int mask) {
    return read(fd, SystemCall.emptyName(), flags | AT_EMPTY_PATH | AT_NO_AUTOMOUNT, mask);
  }

  private int read(int directory, long name, int flags, int mask) {
    long result = SystemCall.call(SystemCall.STATX, directory, name, flags, mask, memory.address());
    Reference.reachabilityFence(this);
    return (int) result;
  }

  /** STATX_ values of the fields that are valid. */
  public int mask() {
    return memory.buffer().getInt(0);
  }

  /** The preferred size of transfers in bytes. */
  public int blockSize() {
    return memory.buffer().getInt(4);
  }

  /** STATX_ATTR_ values. */
  public long attributes() {
    return memory.buffer().getLong(8);
  }

  /** Which of the {@link #attributes} the file system has. */
  public long attributesMask() {
    return memory.buffer().getLong(56);
  }

  public int links() {
    return memory.buffer().getInt(16);
  }

  public int uid() {
    return memory.buffer().getInt(20);
  }

  public int gid() {
    return memory.buffer().getInt(24);
  }

  /** Type and permissions; see {@link FileMode}. */
  public int mode() {
    return memory.buffer().getShort(28) & 0xffff;
  }

  /** The inode number, unique in its {@link #device}. */
  public long inode() {
    return memory.buffer().getLong(32);
  }

  /** In bytes. */
  public long size() {
    return memory.buffer().getLong(40);
  }

  /** What is allocated, in units of 512 bytes. */
  public long blocks() {
    return memory.buffer().getLong(48);
  }

  public long accessSeconds() {
    return memory.buffer().getLong(64);
  }

  public int accessNanoseconds() {
    return memory.buffer().getInt(72);
  }

  /** When it was made (btime), if {@link #mask} has {@link #STATX_BTIME}. */
  public long birthSeconds() {
    return memory.buffer().getLong(80);
  }

  public int birthNanoseconds() {
    return memory.buffer().getInt(88);
  }

  public long changeSeconds() {
    return memory.buffer().getLong(96);
  }

  public int changeNanoseconds() {
    return memory.buffer().getInt(104);
  }

  public long modificationSeconds() {
    return memory.buffer().getLong(112);
  }

  public int modificationNanoseconds() {
    return memory.buffer().getInt(120);
  }

  /** Of which device this is the node. */
  public int rdevMajor() {
    return memory.buffer().getInt(128);
  }

  public int rdevMinor() {
    return memory.buffer().getInt(132);
  }

  public int deviceMajor() {
    return memory.buffer().getInt(136);
  }

  public int deviceMinor() {
    return memory.buffer().getInt(140);
  }

  /** The file system that the inode lies in, major and minor number in one. */
  public long device() {
    return (long) deviceMajor() << 32 | deviceMinor() & 0xffffffffL;
  }

  /** The mount it was reached by, if {@link #mask} has {@link #STATX_MNT_ID}. */
  public long mountId() {
    return memory.buffer().getLong(144);
  }

  /**
   * At multiples of how many bytes memory has to begin for direct I/O, if {@link #mask} has {@link
   * #STATX_DIOALIGN}; 0 if the file can't be used with it.
   */
  public int directMemoryAlignment() {
    return memory.buffer().getInt(152);
  }

  /**
   * Of how many bytes an offset in the file and the length of each range have to be multiples for
   * direct I/O, as {@link #directMemoryAlignment}.
   */
  public int directOffsetAlignment() {
    return memory.buffer().getInt(156);
  }
}
