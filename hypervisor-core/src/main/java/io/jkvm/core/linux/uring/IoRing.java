// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.uring;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;

/**
 * A pair of rings: requests are prepared, submitted together, and come back completed in any order.
 * As many may be under way as {@link #entries} says, so that no completion is ever without a place.
 * Used by one thread at a time; allocates nothing.
 */
public interface IoRing extends AutoCloseable {
  /** How many requests may be under way or prepared. */
  int entries();

  /** Each completion adds 1 to an eventfd from now on, until {@link #unregisterEventFd}. */
  void registerEventFd(EventFd eventFd) throws LinuxException;

  /** Lets go of the eventfd, which the kernel would keep open otherwise. */
  void unregisterEventFd();

  /**
   * Prepares a read into a list of memory ranges.
   *
   * @param fd stays open until the request is completed
   * @param iovecs address of {@code struct iovec[count]}, not used after {@link #submit} took it
   * @param userData comes back with the completion
   * @return false if the submission ring is full
   */
  boolean prepareRead(int fd, long iovecs, int count, long offset, long userData);

  /** The same with a write of what is in the ranges. */
  boolean prepareWrite(int fd, long iovecs, int count, long offset, long userData);

  /** How many are prepared and not yet taken by the kernel. */
  int prepared();

  /**
   * Hands what is prepared to the kernel. What can be done at once, such as a read of what is in
   * the page cache, may be completed when this returns.
   *
   * @return 0 if all was taken, else a negated errno for the first that was not: EAGAIN or EBUSY if
   *     it may be tried again after completions were taken, others if it never will be
   */
  int submit();

  /**
   * Takes back the request that was prepared last and not taken by the kernel: it never was.
   *
   * @return its user data
   */
  long takeBack();

  /** Whether {@link #next} would find a completion; may need a system call to find out. */
  boolean hasCompletion();

  /** Moves to the next completion; false if there is none now. */
  boolean next();

  /** The user data of the request whose completion {@link #next} found. */
  long userData();

  /** Its result: a number of bytes, or a negated errno. */
  int result();

  @Override
  void close();
}
