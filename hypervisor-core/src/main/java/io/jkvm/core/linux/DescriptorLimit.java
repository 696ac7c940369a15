// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import java.lang.ref.Reference;

/**
 * How many descriptors this process may have open (RLIMIT_NOFILE, prlimit(2)): beyond {@code soft}
 * whatever would open one fails with EMFILE. {@code soft} may be set to at most {@code hard}.
 *
 * <p>Both are unsigned; all ones mean that there is no limit.
 */
public record DescriptorLimit(long soft, long hard) {
  private static final long PRLIMIT64 = 302;
  private static final int RLIMIT_NOFILE = 7;

  /** The limits as they are. */
  public static DescriptorLimit current() throws LinuxException {
    NativeMemory limit = new NativeMemory(16);
    LinuxException.check("prlimit", prlimit(0, limit.address()));
    Reference.reachabilityFence(limit);
    return new DescriptorLimit(limit.buffer().getLong(0), limit.buffer().getLong(8));
  }

  /**
   * Raises the soft limit of the whole process to the hard one; needs no privilege.
   *
   * @return the limits as they are then
   */
  public static DescriptorLimit raise() throws LinuxException {
    NativeMemory limit = new NativeMemory(16);
    long hard = current().hard();
    limit.buffer().putLong(0, hard).putLong(8, hard);
    LinuxException.check("prlimit", prlimit(limit.address(), 0));
    Reference.reachabilityFence(limit);
    return current();
  }

  private static int prlimit(long newLimit, long oldLimit) {
    return (int) Libc.syscall(PRLIMIT64, 0, RLIMIT_NOFILE, newLimit, oldLimit, 0, 0);
  }
}
