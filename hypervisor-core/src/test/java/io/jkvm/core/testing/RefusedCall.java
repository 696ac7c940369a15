// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.NativeMemory;
import java.lang.ref.Reference;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * A system call that the host refuses one thread, as containers refuse it a process (seccomp(2)).
 */
public final class RefusedCall {
  public static final int CLOSE = 3;
  public static final int IO_URING_SETUP = 425;
  public static final int IO_URING_ENTER = 426;
  public static final int IO_URING_REGISTER = 427;
  public static final int CLONE3 = 435;

  private static final long PRCTL = 157;
  private static final int PR_SET_NO_NEW_PRIVS = 38;
  private static final long SECCOMP = 317;
  private static final int SECCOMP_SET_MODE_FILTER = 1;
  private static final int SECCOMP_RET_ERRNO = 0x50000;
  private static final int SECCOMP_RET_ALLOW = 0x7fff0000;

  // struct sock_filter, without its operand: load the call's number, skip one if it is another.
  private static final long LOAD = 0x20;
  private static final long SKIP_UNLESS_EQUAL = 0x0100_0015;
  private static final long RETURN = 0x06;

  private RefusedCall() {}

  /**
   * Runs something on a thread of its own that gets an error for a system call.
   *
   * @param call its number
   * @param errno the error
   */
  public static <T> T run(int call, int errno, Callable<T> body) throws Exception {
    FutureTask<T> task =
        new FutureTask<>(
            () -> {
              refuse(call, errno);
              return body.call();
            });
    new Thread(task, "refused call").start();
    try {
      return task.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e;
    }
  }

  private static void refuse(int call, int errno) {
    NativeMemory filter = new NativeMemory(4 * 8);
    filter.buffer().putLong(0, LOAD);
    filter.buffer().putLong(8, SKIP_UNLESS_EQUAL | (long) call << 32);
    filter.buffer().putLong(16, RETURN | (long) (SECCOMP_RET_ERRNO | errno) << 32);
    filter.buffer().putLong(24, RETURN | (long) SECCOMP_RET_ALLOW << 32);
    NativeMemory program = new NativeMemory(16);
    program.buffer().putShort(0, (short) 4).putLong(8, filter.address());
    assertEquals(0, Libc.syscall(PRCTL, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0));
    assertEquals(0, Libc.syscall(SECCOMP, SECCOMP_SET_MODE_FILTER, 0, program.address(), 0, 0, 0));
    Reference.reachabilityFence(filter);
    Reference.reachabilityFence(program);
  }
}
