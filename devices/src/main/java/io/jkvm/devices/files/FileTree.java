// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;

/**
 * A tree of files as a guest sees it. One tree belongs to one device; its methods are called by
 * several threads at once, in any combination that a guest can think of.
 *
 * <p><b>Nodes.</b> A node is a file, directory or other object that the guest knows, under a number
 * that is never given to another one as long as the tree lives. {@link #ROOT} is always known. Each
 * call that fills in an {@code entry} and succeeds adds one reference to that node, {@link #forget}
 * takes references away, and with the last one the node is gone. An object of the host's has one
 * node at a time, however many names it has. A number that no node has is {@code ESTALE}. How many
 * nodes a guest can hold is bounded: beyond that, {@code ENFILE}.
 *
 * <p><b>Results.</b> 0 or more for success, else an {@link io.jkvm.core.linux.Errno} negated, with
 * nothing done and no reference added. A RuntimeException is a defect of the tree and becomes the
 * guest's EIO.
 *
 * <p><b>What the caller has checked.</b> Names in directories are one component each ({@link
 * NativeName#setComponent}). A mode has no bits but those of {@link FileMode#PERMISSIONS} and,
 * where a type is asked for, one type; the umask has been applied by the guest. Flags are those of
 * {@link OpenFlags} alone. Lengths fit the memory they come with. A read-only share gets no call
 * that would change anything. Node numbers are not checked: they are whatever the guest gave.
 *
 * <p>Symbolic links are never followed by the tree: the guest does that. A node that is not a
 * directory is no parent ({@code ENOTDIR}).
 *
 * <p>{@link #lookup}, {@link #attributes} and the data of files are the hot paths: they should not
 * allocate, nor wait for each other.
 */
public interface FileTree extends AutoCloseable {
  /** The node of the tree's root directory, which needs no reference. */
  long ROOT = 1;

  /** A short name for messages. */
  String name();

  /**
   * Finds a name in a directory and takes a reference to what it is.
   *
   * @param entry receives node and attributes
   */
  int lookup(long parent, NativeName name, FileAttributes entry);

  /**
   * Gives references back.
   *
   * @param count unsigned; more than there are is as many as there are
   */
  void forget(long node, long count);

  /** Gives all references back, as if there had never been a guest; the numbers stay used up. */
  void forgetAll();

  /**
   * What stat(2) tells of a node, which may have no name any more.
   *
   * @param attributes receives them, and the node
   */
  int attributes(long node, FileAttributes attributes);

  /**
   * Changes attributes, all those asked for or none. Where {@link #clearsPrivileges} says so, a
   * change of nothing takes set-ID bits from a regular file, as a write would.
   *
   * @param file the open file by which it is done, such as ftruncate(2); null if by none
   * @param attributes receives those after the change
   */
  int change(
      Caller caller, long node, OpenFile file, AttributeChange change, FileAttributes attributes);

  /**
   * The target of a symbolic link.
   *
   * @param target receives it, without a NUL; its size is the limit
   * @return its length in bytes
   */
  int readLink(long node, NativeMemory target);

  /**
   * Makes a directory.
   *
   * @param mode permissions
   */
  int makeDirectory(Caller caller, long parent, NativeName name, int mode, FileAttributes entry);

  /**
   * Makes a regular file, a FIFO, a socket or a device.
   *
   * @param mode type and permissions
   * @param device number of a device, as {@link FileAttributes#device}
   */
  int makeNode(
      Caller caller, long parent, NativeName name, int mode, int device, FileAttributes entry);

  /** Makes a symbolic link, whose target means nothing to the host. */
  int makeSymbolicLink(
      Caller caller, long parent, NativeName name, NativeName target, FileAttributes entry);

  /** Gives a node another name; the entry is of the same node. */
  int link(long node, long newParent, NativeName newName, FileAttributes entry);

  /** Removes the name of anything but a directory; the node lives on as long as it is known. */
  int unlink(long parent, NativeName name);

  /** Removes an empty directory. */
  int removeDirectory(long parent, NativeName name);

  /**
   * Renames; nodes stay what they are.
   *
   * @param flags {@link OpenFlags#RENAME_NOREPLACE}, {@link OpenFlags#RENAME_EXCHANGE} or 0; {@code
   *     EINVAL} for what the tree can't do
   */
  int rename(long parent, NativeName name, long newParent, NativeName newName, int flags);

  /**
   * Opens a regular file; anything else is {@code EISDIR}, {@code ELOOP} or {@code ENXIO}, never
   * opened and never waited for.
   *
   * @param flags {@link OpenFlags}
   * @param result receives an {@link OpenFile}
   */
  int open(Caller caller, long node, int flags, OpenResult result);

  /**
   * Makes a regular file and opens it, whatever its permissions. What has the name already is
   * {@code EEXIST} with {@link OpenFlags#EXCLUSIVE}; without that it is opened if it is a regular
   * file, and an error as with {@link #open} if not.
   *
   * @param mode permissions
   * @param flags {@link OpenFlags}
   * @param result receives an {@link OpenFile}
   */
  int create(
      Caller caller,
      long parent,
      NativeName name,
      int mode,
      int flags,
      FileAttributes entry,
      OpenResult result);

  /**
   * Opens a directory.
   *
   * @param result receives an {@link OpenDirectory}
   */
  int openDirectory(long node, OpenResult result);

  /** What statfs(2) tells of the file system that a node is on. */
  int statistics(long node, TreeStatistics statistics);

  /**
   * Returns when everything that was written by this tree is on stable storage, as syncfs(2) does;
   * what others wrote may not be.
   */
  int sync();

  /**
   * Whether there can be extended attributes; if not, the guest is told once and never asks again.
   */
  boolean hasExtendedAttributes();

  /**
   * The value of an extended attribute.
   *
   * @param size of {@code value} what may be used, in bytes; 0 only asks for the length
   * @return its length in bytes; {@code ERANGE} if that is more than {@code size}, which is not 0
   */
  int extendedAttribute(long node, NativeName name, NativeMemory value, int size);

  /**
   * Sets an extended attribute.
   *
   * @param flags {@link OpenFlags#XATTR_CREATE}, {@link OpenFlags#XATTR_REPLACE} or 0
   */
  int setExtendedAttribute(long node, NativeName name, NativeMemory value, int size, int flags);

  /**
   * The names of the extended attributes, each with a NUL behind it.
   *
   * @return as {@link #extendedAttribute}; with a {@code size} of 0 perhaps more than there are
   */
  int extendedAttributeNames(long node, NativeMemory names, int size);

  int removeExtendedAttribute(long node, NativeName name);

  /**
   * Whether each write, allocation, change of length and change of owner that is made takes
   * set-user-ID bits, set-group-ID bits of files that a group may execute, and {@code
   * security.capability} away, whoever asks; if not, the guest has to ask for them before each.
   */
  boolean clearsPrivileges();

  /**
   * Whether there is memory for something more that is kept for the guest beside what the tree
   * keeps, and is no larger than what it has of a file.
   */
  default boolean hasRoom() {
    return true;
  }

  /** So many more of these are kept, or fewer; all are gone when the tree is closed. */
  default void takeRoom(int count) {}

  /** Gives everything back to the host. No other call is under way or comes after it. */
  @Override
  void close();
}
