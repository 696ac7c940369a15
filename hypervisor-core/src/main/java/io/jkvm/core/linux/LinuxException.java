// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import java.io.IOException;

/** A failed system call: "KVM_CREATE_VM: EMFILE (24): Too many open files". */
public final class LinuxException extends IOException {
  private static final long serialVersionUID = 1L;

  private final String call;
  private final int errno;

  /**
   * A failed call.
   *
   * @param call the system call or ioctl, with its object where that helps ("open /dev/kvm")
   * @param errno the error number, positive
   */
  public LinuxException(String call, int errno) {
    super(call + ": " + Errno.name(errno) + " (" + errno + "): " + Errno.message(errno));
    this.call = call;
    this.errno = errno;
  }

  /** The exception for this thread's last failed libc call. */
  public static LinuxException last(String call) {
    return new LinuxException(call, Libc.errno());
  }

  /** Returns {@code result} if it is not negative, else throws what errno says. */
  public static int check(String call, int result) throws LinuxException {
    if (result < 0) {
      throw last(call);
    }
    return result;
  }

  public String call() {
    return call;
  }

  public int errno() {
    return errno;
  }
}
