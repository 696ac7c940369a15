// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.irq;

/**
 * A level-triggered line that several devices drive: asserted while at least one of them asserts
 * it. The lock is taken last, whatever locks the devices hold.
 */
public final class SharedIrqLine {
  private final IrqLine line;
  private int asserted;

  /** Devices on {@code line}, which nothing else drives. */
  public SharedIrqLine(IrqLine line) {
    this.line = line;
  }

  /** An input of the line for one more device; not asserted. */
  public IrqLine newInput() {
    return new Input();
  }

  private synchronized void add(int change) {
    boolean before = asserted > 0;
    asserted += change;
    if (before != asserted > 0) {
      line.setLevel(!before);
    }
  }

  private final class Input implements IrqLine {
    private boolean level;

    @Override
    public void setLevel(boolean newLevel) {
      synchronized (SharedIrqLine.this) {
        if (level != newLevel) {
          level = newLevel;
          add(newLevel ? 1 : -1);
        }
      }
    }
  }
}
