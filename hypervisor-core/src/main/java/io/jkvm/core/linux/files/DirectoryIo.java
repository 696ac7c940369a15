// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import java.lang.ref.Reference;

/**
 * Entries of directories: what is made, linked, renamed and removed by a name. The directories may
 * be handles. A last component that is a symbolic link is the link itself, except with {@link
 * #AT_SYMLINK_FOLLOW}; one before the last is followed, so a name from a guest has to be one
 * component ({@link NativeName#setComponent}).
 *
 * <p>Each returns 0 or an errno negated.
 */
public final class DirectoryIo {
  /** In place of a directory's descriptor: the current directory. */
  public static final int AT_FDCWD = -100;

  public static final int AT_SYMLINK_NOFOLLOW = 0x100;
  public static final int AT_REMOVEDIR = 0x200;
  public static final int AT_SYMLINK_FOLLOW = 0x400;
  public static final int AT_EMPTY_PATH = 0x1000;

  public static final int RENAME_NOREPLACE = 1;
  public static final int RENAME_EXCHANGE = 2;

  /** Leaves a whiteout of overlayfs, a character device 0:0; needs CAP_MKNOD. */
  public static final int RENAME_WHITEOUT = 4;

  private DirectoryIo() {}

  /** Makes a directory of a mode, less the umask. */
  public static int mkdirat(int directory, NativeName name, int mode) {
    long result = SystemCall.call(SystemCall.MKDIRAT, directory, name.address(), mode);
    Reference.reachabilityFence(name);
    return (int) result;
  }

  /**
   * Makes a node of any type but a directory or a link.
   *
   * @param mode type and permissions, these less the umask
   * @param device {@link FileMode#device} for a device, which needs CAP_MKNOD; else 0
   */
  public static int mknodat(int directory, NativeName name, int mode, int device) {
    long number = device & 0xffffffffL;
    long result = SystemCall.call(SystemCall.MKNODAT, directory, name.address(), mode, number);
    Reference.reachabilityFence(name);
    return (int) result;
  }

  /** Makes a symbolic link; ENOENT if the target is empty. */
  public static int symlinkat(NativeName target, int directory, NativeName name) {
    long result =
        SystemCall.call(SystemCall.SYMLINKAT, target.address(), directory, name.address());
    Reference.reachabilityFence(target);
    Reference.reachabilityFence(name);
    return (int) result;
  }

  /**
   * Gives an inode another name. By its handle: {@link HandleIo#link}.
   *
   * @param flags 0, {@link #AT_SYMLINK_FOLLOW}, or {@link #AT_EMPTY_PATH} with an empty name, which
   *     needs CAP_DAC_READ_SEARCH (since Linux 6.10 only if the descriptor is another user's)
   */
  public static int linkat(
      int oldDirectory, NativeName oldName, int newDirectory, NativeName newName, int flags) {
    long result =
        SystemCall.call(
            SystemCall.LINKAT,
            oldDirectory,
            oldName.address(),
            newDirectory,
            newName.address(),
            flags);
    Reference.reachabilityFence(oldName);
    Reference.reachabilityFence(newName);
    return (int) result;
  }

  /**
   * Removes a name.
   *
   * @param flags 0 for anything but a directory (EISDIR), {@link #AT_REMOVEDIR} for an empty one
   */
  public static int unlinkat(int directory, NativeName name, int flags) {
    long result = SystemCall.call(SystemCall.UNLINKAT, directory, name.address(), flags);
    Reference.reachabilityFence(name);
    return (int) result;
  }

  /**
   * Gives another name, in the same file system.
   *
   * @param flags 0 or RENAME_ values; EINVAL for those that the file system does not have
   */
  public static int renameat2(
      int oldDirectory, NativeName oldName, int newDirectory, NativeName newName, int flags) {
    long result =
        SystemCall.call(
            SystemCall.RENAMEAT2,
            oldDirectory,
            oldName.address(),
            newDirectory,
            newName.address(),
            flags);
    Reference.reachabilityFence(oldName);
    Reference.reachabilityFence(newName);
    return (int) result;
  }

  /**
   * Reads the target of a symbolic link. By its handle: {@link HandleIo#readlink}.
   *
   * @return how many bytes were written, without a NUL; as many as {@code size} if it may be longer
   */
  public static int readlinkat(int directory, NativeName name, long address, int size) {
    long result = SystemCall.call(SystemCall.READLINKAT, directory, name.address(), address, size);
    Reference.reachabilityFence(name);
    return (int) result;
  }
}
