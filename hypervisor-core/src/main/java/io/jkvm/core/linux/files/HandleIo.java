// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Ioctl;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.NativeMemory;
import java.lang.ref.Reference;

/**
 * What is done to the inode that a descriptor holds, by no name of it. The descriptor may be a
 * handle, of any type of inode, unless it says "open"; a symbolic link is never followed. Has
 * scratch memory, so each thread needs its own.
 *
 * <p>Each returns 0 or what is said, or an errno negated.
 */
public final class HandleIo {
  private static final int F_GETFL = 3;
  private static final int F_SETFL = 4;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final long FS_IOC_GETFLAGS = Ioctl.ior('f', 1, 8);
  private static final int NOT_OF_A_REOPEN = OpenHow.O_CREAT | OpenHow.O_EXCL | OpenHow.O_NOFOLLOW;

  private final NativeName path = new NativeName(31);
  private final Statx stat = new Statx();
  private final NativeMemory word = new NativeMemory(8);

  /** With scratch memory for one thread. */
  public HandleIo() {}

  /**
   * Opens a file or directory that a descriptor holds. Nothing else is ever opened: not a FIFO,
   * which could wait, nor a device. Permissions are checked anew.
   *
   * @param flags O_ values of {@link OpenHow}; O_CLOEXEC and O_NOCTTY are added, O_CREAT, O_EXCL
   *     and O_NOFOLLOW taken away
   * @return the new descriptor, with an offset of its own, or negated: ELOOP for a symbolic link,
   *     ENXIO for other types
   */
  public int reopen(int handle, int flags) {
    int result = stat.read(handle, 0, Statx.STATX_TYPE);
    if (result < 0) {
      return result;
    }
    if (!FileMode.isOpenable(stat.mode())) {
      return FileMode.isSymbolicLink(stat.mode()) ? -Errno.ELOOP : -Errno.ENXIO;
    }
    path.setDescriptor(handle);
    int all = flags & ~NOT_OF_A_REOPEN | OpenHow.O_CLOEXEC | OpenHow.O_NOCTTY;
    return withPath(SystemCall.OPEN, all);
  }

  /** fcntl F_DUPFD_CLOEXEC: another descriptor of the same open file or handle. */
  public static int dup(int fd) {
    return (int) SystemCall.call(SystemCall.FCNTL, fd, F_DUPFD_CLOEXEC, 0);
  }

  /** close(2). The descriptor is gone, also after an error, which tells of earlier writes. */
  public static int close(int fd) {
    // Not again after EINTR: the number may be another thread's by then.
    long result = Libc.syscall(SystemCall.CLOSE, fd, 0, 0, 0, 0, 0);
    return result == -1 ? -Libc.errno() : 0;
  }

  /** fcntl F_GETFL: the O_ values of an open file or handle, those of its making left out. */
  public static int statusFlags(int fd) {
    return (int) SystemCall.call(SystemCall.FCNTL, fd, F_GETFL, 0);
  }

  /** fcntl F_SETFL: O_APPEND, O_DIRECT, O_NOATIME and O_NONBLOCK of an open file. */
  public static int setStatusFlags(int fd, int flags) {
    return (int) SystemCall.call(SystemCall.FCNTL, fd, F_SETFL, flags);
  }

  /**
   * Gives the inode one more name, or one of {@link OpenHow#O_TMPFILE} without O_EXCL its first;
   * ENOENT if it has lost its last.
   */
  public int link(int handle, int newDirectory, NativeName newName) {
    path.setDescriptor(handle);
    int flags = DirectoryIo.AT_SYMLINK_FOLLOW;
    return DirectoryIo.linkat(DirectoryIo.AT_FDCWD, path, newDirectory, newName, flags);
  }

  /**
   * Reads the target of the symbolic link that a handle holds.
   *
   * @return how many bytes were written, without a NUL; as many as {@code size} if it may be
   *     longer; ENOENT negated if it is no link
   */
  public static int readlink(int handle, long address, int size) {
    long name = SystemCall.emptyName();
    return (int) SystemCall.call(SystemCall.READLINKAT, handle, name, address, size);
  }

  /**
   * Sets the permissions, all 12 bits.
   *
   * @return EOPNOTSUPP negated for a symbolic link: it has none (since Linux 6.6; before, some file
   *     systems set them)
   */
  public int chmod(int handle, int mode) {
    path.setDescriptor(handle);
    return withPath(SystemCall.CHMOD, mode);
  }

  /** fchmod(2), of an open file. */
  public static int fchmod(int fd, int mode) {
    return (int) SystemCall.call(SystemCall.FCHMOD, fd, mode);
  }

  /** Sets owner and group, -1 for one that stays. The kernel takes S_ISUID and S_ISGID away. */
  public static int chown(int handle, int uid, int gid) {
    long name = SystemCall.emptyName();
    return (int)
        SystemCall.call(SystemCall.FCHOWNAT, handle, name, uid, gid, DirectoryIo.AT_EMPTY_PATH);
  }

  /** Sets the times of access and modification. */
  public int utimens(int handle, FileTimes times) {
    path.setDescriptor(handle);
    long directory = DirectoryIo.AT_FDCWD;
    long result =
        SystemCall.call(SystemCall.UTIMENSAT, directory, path.address(), times.address(), 0);
    Reference.reachabilityFence(times);
    Reference.reachabilityFence(this);
    return (int) result;
  }

  /** Sets the size in bytes of a file that the thread may write to; EISDIR, EINVAL for others. */
  public int truncate(int handle, long length) {
    path.setDescriptor(handle);
    return withPath(SystemCall.TRUNCATE, length);
  }

  private int withPath(long call, long argument) {
    long result = SystemCall.call(call, path.address(), argument);
    Reference.reachabilityFence(this);
    return (int) result;
  }

  /**
   * FS_IOC_GETFLAGS of an open file or directory.
   *
   * @return FS_ values (ioctl_iflags(2)), unsigned, or negated: ENOTTY if the file system has none
   */
  public long inodeFlags(int fd) {
    word.buffer().putLong(0, 0);
    long result = SystemCall.call(SystemCall.IOCTL, fd, FS_IOC_GETFLAGS, word.address());
    return result < 0 ? result : word.buffer().getInt(0) & 0xffffffffL;
  }
}
