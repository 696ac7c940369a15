// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.NativeMemory;
import java.lang.ref.Reference;

/**
 * {@code struct open_how} and openat2(2): how a name is opened, and what its lookup may pass. The
 * kernel only reads it, so threads may share one that nobody changes.
 *
 * <pre>
 * struct open_how {      offset
 *   __u64 flags;             0
 *   __u64 mode;              8
 *   __u64 resolve;          16
 * };
 * </pre>
 */
public final class OpenHow {
  public static final int O_RDONLY = 0;
  public static final int O_WRONLY = 1;
  public static final int O_RDWR = 2;
  public static final int O_ACCMODE = 3;
  public static final int O_CREAT = 0x40;
  public static final int O_EXCL = 0x80;
  public static final int O_NOCTTY = 0x100;
  public static final int O_TRUNC = 0x200;
  public static final int O_APPEND = 0x400;
  public static final int O_NONBLOCK = 0x800;
  public static final int O_DSYNC = 0x1000;
  public static final int O_DIRECT = 0x4000;
  public static final int O_LARGEFILE = 0x8000;
  public static final int O_DIRECTORY = 0x10000;

  /** The last component is not followed: ELOOP, or with {@link #O_PATH} the link itself. */
  public static final int O_NOFOLLOW = 0x20000;

  /** EPERM for others than the file's owner. */
  public static final int O_NOATIME = 0x40000;

  public static final int O_CLOEXEC = 0x80000;
  public static final int O_SYNC = 0x101000;

  /** A handle: the inode is held and not opened. */
  public static final int O_PATH = 0x200000;

  public static final int O_TMPFILE = 0x410000;

  /** No mount may be entered: EXDEV. */
  public static final long RESOLVE_NO_XDEV = 0x1;

  /** No magic links, those of proc(5): ELOOP. */
  public static final long RESOLVE_NO_MAGICLINKS = 0x2;

  /** No symbolic links in any component: ELOOP. */
  public static final long RESOLVE_NO_SYMLINKS = 0x4;

  /** Nothing outside of the directory, not by ".." nor from the root: EXDEV. */
  public static final long RESOLVE_BENEATH = 0x8;

  /** The directory is taken for the root, by ".." and by links. */
  public static final long RESOLVE_IN_ROOT = 0x10;

  private static final int BYTES = 24;

  private final NativeMemory memory = new NativeMemory(BYTES);

  /** As {@link #set}. */
  public OpenHow(int flags, int mode, long resolve) {
    set(flags, mode, resolve);
  }

  /**
   * Sets all fields.
   *
   * @param flags O_ values; {@link #O_CLOEXEC} is added, and {@link #O_NOCTTY} where it may be. The
   *     kernel refuses those that it does not know, and with {@link #O_PATH} all but {@link
   *     #O_DIRECTORY} and {@link #O_NOFOLLOW}: EINVAL
   * @param mode permissions of a file that is made, less the umask; else 0, or EINVAL
   * @param resolve RESOLVE_ values
   */
  public void set(int flags, int mode, long resolve) {
    int added = (flags & O_PATH) == 0 ? O_CLOEXEC | O_NOCTTY : O_CLOEXEC;
    memory.buffer().putLong(0, (flags | added) & 0xffffffffL);
    memory.buffer().putLong(8, mode & 0xffffffffL);
    memory.buffer().putLong(16, resolve);
  }

  /**
   * openat2(2). Whatever is not opened as a handle may be a FIFO that waits for a writer or a
   * device that does something: what has to be a file or a directory is opened as a handle first,
   * and then by {@link HandleIo#reopen}.
   *
   * @param directory a descriptor, or {@link DirectoryIo#AT_FDCWD} for names that the host chose
   * @return the new descriptor, or negated: EAGAIN if a name with ".." in it was looked up while
   *     something was renamed, to be tried again; EXDEV and ELOOP for what {@code resolve} forbids
   */
  public int open(int directory, NativeName name) {
    long result =
        SystemCall.call(SystemCall.OPENAT2, directory, name.address(), memory.address(), BYTES);
    Reference.reachabilityFence(name);
    Reference.reachabilityFence(this);
    return (int) result;
  }
}
