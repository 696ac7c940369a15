// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel.payload;

import java.io.IOException;

/** A payload that can't be what it says; the message is a clause: "has a damaged LZ4 payload". */
public final class PayloadException extends IOException {
  private static final long serialVersionUID = 1L;

  PayloadException(PayloadFormat format, String why, Throwable cause) {
    super("has a damaged " + format + " payload (" + why + ")", cause);
  }
}
