// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.NativeMemory;

/**
 * Aligned memory for transfers that direct I/O does not take as they are, a bounded number of
 * buffers: {@value #MOST} of {@value #BYTES} bytes. They come with the need for them and stay; the
 * first is there from the beginning, so that none fails for want of memory. Whoever has one waits
 * for nothing but the kernel.
 */
final class BounceBuffers {
  /** Of each; the largest block that is supported. */
  static final int BYTES = DirectAlignment.MAX_BYTES;

  static final int MOST = 16;

  private final DirectAlignment alignment;

  // Guarded by this.
  private final NativeMemory[] free = new NativeMemory[MOST];
  private int freeCount;
  private int made;
  private boolean noMemory;

  /** For a file. */
  BounceBuffers(DirectAlignment alignment) {
    this.alignment = alignment;
    free[0] = alignment.newMemory(BYTES);
    freeCount = 1;
    made = 1;
  }

  /** A buffer, which has to be given back; waits while all are taken. */
  synchronized NativeMemory take() {
    boolean interrupted = false;
    while (freeCount == 0 && !make()) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true; // a transfer goes on
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return free[--freeCount];
  }

  private boolean make() {
    if (made == MOST || noMemory) {
      return false;
    }
    try {
      free[freeCount] = alignment.newMemory(BYTES);
    } catch (OutOfMemoryError e) { // those there are have to do
      noMemory = true;
      return false;
    }
    freeCount++;
    made++;
    return true;
  }

  synchronized void give(NativeMemory buffer) {
    free[freeCount++] = buffer;
    notify();
  }
}
