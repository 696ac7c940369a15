// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

/**
 * Has threads that touch guest RAM, rings or interrupts. When {@link #pause} has returned, nothing
 * is in flight: what they had begun is complete or not begun, and they touch none of these until
 * {@link #resume}.
 *
 * <p>Both methods are idempotent: a second pause does nothing, one resume ends both; resuming what
 * is not paused does nothing. Both may be called before the threads have started (they then start
 * paused), and neither fails on a part whose threads have ended.
 *
 * <p>A part needs no lock for {@code pause} that one of its threads may hold while it waits for
 * another part, so that parts can be paused one after the other in any order. An interrupt of the
 * calling thread does not cut the wait short; it is still set on return.
 */
public interface Pausable {
  /**
   * Stops the threads and waits until they have acknowledged it.
   *
   * @throws PauseTimeoutException if one of them did not in the time that the part allows; the part
   *     then runs on as if it had never been asked
   */
  void pause() throws PauseTimeoutException;

  /** Lets the threads go on; returns once none of them can act on the old pause any more. */
  void resume();
}
