// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

import java.util.concurrent.TimeoutException;

/** A part of a machine that did not come to rest in time; it was left running. */
public final class PauseTimeoutException extends TimeoutException {
  private static final long serialVersionUID = 1L;

  private final String part;

  /**
   * A pause that was given up.
   *
   * @param part whose thread did not acknowledge: "vCPU 1", "virtio-blk queue 0"
   * @param milliseconds how long it was waited for
   */
  public PauseTimeoutException(String part, long milliseconds) {
    super(part + " did not pause within " + milliseconds + " ms");
    this.part = part;
  }

  /** Whose thread did not acknowledge. */
  public String part() {
    return part;
  }
}
