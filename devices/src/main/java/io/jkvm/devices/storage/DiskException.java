// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import java.io.IOException;

/** A disk that can't be used: the message says in one line which, why, and what to do. */
public final class DiskException extends IOException {
  private static final long serialVersionUID = 1L;

  public DiskException(String message) {
    super(message);
  }
}
