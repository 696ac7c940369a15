// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import java.io.IOException;

/** A machine that can't be booted as asked. The message is one line with what to do about it. */
public final class BootException extends IOException {
  private static final long serialVersionUID = 1L;

  public BootException(String message) {
    super(message);
  }

  public BootException(String message, Throwable cause) {
    super(message, cause);
  }

  /** Bytes as text for messages: whole MiB rounded up, or the exact number where that is small. */
  static String size(long bytes) {
    return bytes < 1 << 20 ? bytes + " bytes" : ((bytes + (1 << 20) - 1) >>> 20) + " MiB";
  }
}
