// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

/**
 * Keeps a write of a part of a block, which reads the block, changes it and writes all of it, away
 * from all other writes to the file: one that came in between would be undone. Writes of whole
 * blocks share it, each for as long as the kernel has it, which may be from a submission to a ring
 * until its completion.
 *
 * <p>One lock for a file and not one for each block: a guest is told of blocks of 4096 bytes, the
 * usual ones, and has no reason to write less. First come, first served, so that neither kind can
 * keep the other out for ever. Whoever has a share that only the same thread can give back must not
 * wait here: that is what {@link #tryShare} is for.
 *
 * <p>A monitor, since the locks of java.util.concurrent allocate for each wait.
 */
final class PartialWriteLock {
  // Guarded by this; tickets are counted with wrap.
  private int tickets;
  private int served;
  private int shares;

  /** Takes a share if that needs no waiting. */
  synchronized boolean tryShare() {
    if (served != tickets) {
      return false;
    }
    shares++;
    return true;
  }

  /** Takes a share. */
  synchronized void share() {
    awaitTurn(tickets++, false);
    shares++;
    next();
  }

  /** Gives a share back; for any thread. */
  synchronized void unshare() {
    if (--shares == 0) {
      notifyAll();
    }
  }

  /** Takes the lock for a partial write. */
  synchronized void exclude() {
    awaitTurn(tickets++, true);
  }

  /** Gives it back. */
  synchronized void readmit() {
    next();
  }

  private void next() {
    served++;
    notifyAll();
  }

  private void awaitTurn(int ticket, boolean alone) {
    boolean interrupted = false;
    while (served != ticket || alone && shares > 0) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true; // a write goes on
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
