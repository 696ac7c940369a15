// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import java.io.IOException;

/** Why a host's KVM can't be used: facts only; what to do about it depends on who asks. */
public final class KvmException extends IOException {
  private static final long serialVersionUID = 1L;

  /** The sorts of reasons. */
  public enum Kind {
    /** The device does not exist, or has no driver: KVM is not loaded, or the CPU can't. */
    ABSENT,
    /** This user may not open the device. */
    FORBIDDEN,
    /** The device is there but is none of KVM's, or can't be opened for another reason. */
    NOT_KVM,
    /** KVM lacks something that jkvm needs; the message names it. */
    TOO_OLD
  }

  private final Kind kind;

  KvmException(Kind kind, String message) {
    this(kind, message, null);
  }

  KvmException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  /** The sort of reason. */
  public Kind kind() {
    return kind;
  }
}
