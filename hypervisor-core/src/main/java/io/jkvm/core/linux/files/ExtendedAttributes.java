// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.Errno;
import java.lang.ref.Reference;

/**
 * Extended attributes (xattr(7)) of the inode that a handle holds, whatever its type: nothing is
 * opened, no symbolic link is followed. Has scratch memory, so each thread needs its own.
 *
 * <p>The methods whose names begin with {@code f} are for open files and save the lookup in proc.
 *
 * <p>A value has at most 65536 bytes, a name 255 with its prefix ({@link NativeName#set}). Errors,
 * negated: ENODATA no such attribute; ERANGE the value is longer than {@code size}; EOPNOTSUPP not
 * in this file system, or a prefix that it does not have; EPERM for {@code user.} of anything but
 * files and directories.
 */
public final class ExtendedAttributes {
  /** {@link #set}: EEXIST if there is one. */
  public static final int XATTR_CREATE = 1;

  /** {@link #set}: ENODATA if there is none. */
  public static final int XATTR_REPLACE = 2;

  private final NativeName path = new NativeName(31);

  /** With scratch memory for one thread. */
  public ExtendedAttributes() {}

  /**
   * getxattr(2).
   *
   * @param size bytes at {@code address}; 0 to ask for the value's size only
   * @return how many bytes the value has
   */
  public int get(int handle, NativeName name, long address, int size) {
    path.setDescriptor(handle);
    int result = withName(SystemCall.GETXATTR, path.address(), name, address, size, 0);
    Reference.reachabilityFence(this);
    return result;
  }

  /** As {@link #get}, of an open file. */
  public static int fget(int fd, NativeName name, long address, int size) {
    return withName(SystemCall.FGETXATTR, fd, name, address, size, 0);
  }

  /**
   * setxattr(2).
   *
   * @param flags 0, {@link #XATTR_CREATE} or {@link #XATTR_REPLACE}
   */
  public int set(int handle, NativeName name, long address, int size, int flags) {
    path.setDescriptor(handle);
    int result = withName(SystemCall.SETXATTR, path.address(), name, address, size, flags);
    Reference.reachabilityFence(this);
    return result;
  }

  /** As {@link #set}, of an open file. */
  public static int fset(int fd, NativeName name, long address, int size, int flags) {
    return withName(SystemCall.FSETXATTR, fd, name, address, size, flags);
  }

  /**
   * listxattr(2): the names, each with a NUL behind it.
   *
   * @param size bytes at {@code address}; 0 to ask for the size of the list only
   * @return how many bytes the list has
   */
  public int list(int handle, long address, int size) {
    path.setDescriptor(handle);
    int result = list(SystemCall.LISTXATTR, path.address(), address, size);
    Reference.reachabilityFence(this);
    return result;
  }

  /** As {@link #list}, of an open file. */
  public static int flist(int fd, long address, int size) {
    return list(SystemCall.FLISTXATTR, fd, address, size);
  }

  private static int list(long call, long file, long address, int size) {
    return size < 0 ? -Errno.EINVAL : (int) SystemCall.call(call, file, address, size);
  }

  /** removexattr(2). */
  public int remove(int handle, NativeName name) {
    path.setDescriptor(handle);
    int result = withName(SystemCall.REMOVEXATTR, path.address(), name, 0, 0, 0);
    Reference.reachabilityFence(this);
    return result;
  }

  /** As {@link #remove}, of an open file. */
  public static int fremove(int fd, NativeName name) {
    return withName(SystemCall.FREMOVEXATTR, fd, name, 0, 0, 0);
  }

  private static int withName(
      long call, long file, NativeName name, long address, int size, int flags) {
    if (size < 0) {
      return -Errno.EINVAL; // to the kernel it would be a very large one
    }
    long result = SystemCall.call(call, file, name.address(), address, size, flags);
    Reference.reachabilityFence(name);
    return (int) result;
  }
}
