// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

/** As whom this process acts (credentials(7)). */
public final class Credentials {
  private Credentials() {}

  /** The effective user id, in this process's user namespace; 0 is root there. */
  public static int effectiveUserId() {
    return Libc.geteuid();
  }
}
