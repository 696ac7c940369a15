// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.testing;

import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.jkvm.core.irq.IrqLine;

/** An interrupt wire that remembers its level and refuses to be driven without a change. */
public final class RecordingIrq implements IrqLine {
  private boolean level;
  private int rises;

  @Override
  public synchronized void setLevel(boolean asserted) {
    assertNotEquals(level, asserted, "setLevel without a change");
    level = asserted;
    rises += asserted ? 1 : 0;
    notifyAll();
  }

  public synchronized boolean level() {
    return level;
  }

  public synchronized int rises() {
    return rises;
  }

  public synchronized boolean awaitLevel(boolean wanted, long milliseconds)
      throws InterruptedException {
    long deadline = System.nanoTime() + milliseconds * 1_000_000;
    while (level != wanted) {
      long remaining = (deadline - System.nanoTime()) / 1_000_000;
      if (remaining <= 0) {
        return false;
      }
      wait(remaining);
    }
    return true;
  }
}
