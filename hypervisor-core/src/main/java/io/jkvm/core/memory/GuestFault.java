// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.memory;

/**
 * The guest gave an address, length or structure that can't be honoured. Has no stack trace, since
 * a hostile guest may cause millions; a device catches it in one place and fails itself only.
 */
public final class GuestFault extends Exception {
  private static final long serialVersionUID = 1L;

  public GuestFault(String message) {
    super(message, null, false, false);
  }
}
