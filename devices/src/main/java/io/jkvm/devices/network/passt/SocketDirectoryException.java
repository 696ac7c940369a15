// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import java.io.IOException;

/** The directory for temporary files (the JVM's java.io.tmpdir) is no place for passt's socket. */
public final class SocketDirectoryException extends IOException {
  private static final long serialVersionUID = 1L;

  SocketDirectoryException(String facts, Throwable cause) {
    super(facts, cause);
  }
}
