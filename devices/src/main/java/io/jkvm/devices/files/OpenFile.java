// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

import io.jkvm.core.linux.IoVector;

/**
 * A regular file that is open. Goes on to be the same file when it has lost its name. Used by
 * several threads at once, but no call is under way or comes after {@link #close}. Results are as
 * {@link FileTree}'s; a file that was not opened for what is asked is {@code EBADF}.
 */
public interface OpenFile extends AutoCloseable {
  /**
   * Reads into guest RAM in place, where the tree can.
   *
   * @param target is not changed
   * @param offset in bytes, 0 or more
   * @return how many bytes came, perhaps fewer than asked for; 0 at the end of the file
   */
  long read(IoVector target, long offset);

  /**
   * Writes from guest RAM in place, where the tree can; always at the offset, never at the end.
   *
   * @param source is not changed
   * @param offset in bytes, 0 or more
   * @return how many bytes were taken, perhaps fewer than given
   */
  long write(IoVector source, long offset);

  /**
   * Writes at the end of the file, wherever that is now: others may have written since the guest
   * asked for the size.
   *
   * @param source is not changed
   * @return how many bytes were taken, perhaps fewer than given
   */
  long append(IoVector source);

  /** What fstat(2) tells, and the node. */
  int attributes(FileAttributes attributes);

  /**
   * Returns when what was written before is on stable storage.
   *
   * @param dataOnly without those attributes that are not needed to read it, as fdatasync(2)
   */
  int sync(boolean dataOnly);

  /**
   * Gives a range space, or takes it away; never makes the file shorter.
   *
   * @param mode {@link FileMode#ALLOCATE_KEEP_SIZE} and its like; {@code EOPNOTSUPP} for what can't
   *     be done
   * @param length more than 0; {@code offset + length} does not overflow
   */
  int allocate(int mode, long offset, long length);

  /**
   * Finds data or a hole.
   *
   * @param offset 0 or more; {@code ENXIO} at the end of the file and beyond
   * @param hole false for data
   */
  long seek(long offset, boolean hole);

  /**
   * Copies to another file of the same tree, or the same one where the ranges do not overlap.
   *
   * @param length in bytes, more than 0, bounded by the caller
   * @return how many bytes were copied, perhaps fewer than asked for; 0 at the end of this file
   */
  long copyTo(long offset, OpenFile target, long targetOffset, long length);

  @Override
  void close();
}
