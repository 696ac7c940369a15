// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.IoVector;
import java.io.IOException;

/**
 * Where a disk's bytes live. Offsets and lengths are bytes, multiples of 512 and inside the
 * capacity: the caller has checked. Used by one thread at a time, but for the two that say how
 * large it is. An exception names the disk, the call and the cause in one line.
 */
public interface BlockBackend {
  /** A short name for messages. */
  String name();

  /**
   * The size in bytes, a multiple of 512, more than 0. Only {@link #rescan} changes it, and only to
   * more. For any thread.
   */
  long capacityBytes();

  /**
   * Looks how large the medium is by now, and takes that for the capacity if it is more. For any
   * thread, also while requests are carried out, and while it is closed or after that: what is gone
   * then must not be looked at. A medium that never changes need not look.
   *
   * @return the size found, in bytes; less than the capacity if the medium has shrunk
   */
  default long rescan() throws IOException {
    return capacityBytes();
  }

  boolean readOnly();

  /** The smallest unit that the medium works in: 512 or more, a power of two. */
  int logicalBlockBytes();

  /** Fills all of {@code target} or fails. */
  void read(IoVector target, long offset) throws IOException;

  /** Writes all of {@code source} or fails. Durable only after {@link #flush}. */
  void write(IoVector source, long offset) throws IOException;

  /** Returns when everything written before is on stable storage. */
  void flush() throws IOException;

  /**
   * The range's content is not needed any more. A medium that can't make use of it does nothing.
   */
  void discard(long offset, long length) throws IOException;

  /**
   * Makes the range read as zeroes.
   *
   * @param mayUnmap whether the space may be given back to the host
   */
  void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException;
}
