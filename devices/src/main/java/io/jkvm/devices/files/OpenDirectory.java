// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

/**
 * A directory that is open, with a position. Used by one thread at a time. Results are as {@link
 * FileTree}'s.
 */
public interface OpenDirectory extends AutoCloseable {
  /**
   * Goes to a place in the directory.
   *
   * @param cookie 0 for the beginning, where the directory is read anew; else the {@link
   *     DirectoryEntry#cookie} of the entry before that place, or anything that a guest made up
   */
  int seek(long cookie);

  /**
   * The entry at this place, after which comes the next one. {@code .} and {@code ..} may be among
   * them.
   *
   * @return 1; 0 if there is none any more
   */
  int next(DirectoryEntry entry);

  /** Returns when the names in it are on stable storage. */
  int sync(boolean dataOnly);

  @Override
  void close();
}
