// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.uring;

import io.jkvm.core.linux.Libc;

/** The three system calls, by number since the C library has none; a failure is negated errno. */
final class UringCall {
  static final int ENTER_GETEVENTS = 1;

  static final int REGISTER_EVENTFD = 4;
  static final int UNREGISTER_EVENTFD = 5;
  static final int REGISTER_IOWQ_MAX_WORKERS = 19;

  private static final long SETUP = 425;
  private static final long ENTER = 426;
  private static final long REGISTER = 427;

  private UringCall() {}

  static int setup(int entries, long params) {
    return result(Libc.syscall(SETUP, entries, params, 0, 0, 0, 0));
  }

  static int enter(int fd, int toSubmit, int minComplete, int flags) {
    return result(Libc.syscall(ENTER, fd, toSubmit, minComplete, flags, 0, 0));
  }

  static int register(int fd, int operation, long argument, int count) {
    return result(Libc.syscall(REGISTER, fd, operation, argument, count, 0, 0));
  }

  private static int result(long returned) {
    return returned == -1 ? -Libc.errno() : (int) returned;
  }
}
