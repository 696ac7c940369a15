// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import java.lang.ref.Reference;

/**
 * What the kernel keeps for each thread about its use of files: as whom, and with which umask. All
 * of it is the calling thread's alone, other threads of the process keep theirs, so it is for
 * platform threads that serve files and nothing else; one that it starts later inherits it.
 */
public final class ThreadFileAccess {
  private static final int CLONE_FS = 0x200;
  private static final int NOBODY = -1;

  /** {@code struct __user_cap_header_struct}, and two of the data: effective, permitted, ... */
  private static final int CAPABILITY_BYTES = 8 + 2 * 12;

  private static final int CAPABILITY_VERSION_3 = 0x20080522;
  private static final int CAP_DAC_OVERRIDE = 1 << 1;
  private static final int CAP_FSETID = 1 << 4;
  private static final int EFFECTIVE = 8;
  private static final int PERMITTED = 12;

  private ThreadFileAccess() {}

  /**
   * Gives the calling thread a umask of its own (unshare(2), CLONE_FS), so that modes of what it
   * makes are those it asks for; the default ACL of a directory still counts. Its current directory
   * and root are its own, too, from then on. Needs no privilege. The threads that it starts later
   * share all three with it.
   *
   * @param mask permissions that it takes away, 0 for none
   */
  public static void ownUmask(int mask) throws LinuxException {
    long result = SystemCall.call(SystemCall.UNSHARE, CLONE_FS);
    if (result < 0) {
      throw new LinuxException("unshare CLONE_FS", (int) -result);
    }
    SystemCall.call(SystemCall.UMASK, mask);
  }

  /**
   * setfsuid(2): as which user the calling thread uses files; what it makes is that user's. Others
   * than its own need CAP_SETUID. From 0 to another one, the kernel takes the capabilities that are
   * about files (CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER, ...) out of the effective ones, and gives
   * them back on the way to 0. CAP_SYS_ADMIN stays, and with it the {@code trusted.} attributes. A
   * change makes the process undumpable (prctl(2), PR_SET_DUMPABLE) and ends the thread's
   * parent-death signal.
   *
   * @return 0, or EPERM negated
   */
  public static int setfsuid(int uid) {
    return change(SystemCall.SETFSUID, uid);
  }

  /** setfsgid(2): as {@link #setfsuid}, for the group. Before the user, who may not do it. */
  public static int setfsgid(int gid) {
    return change(SystemCall.SETFSGID, gid);
  }

  /**
   * setgroups(2), of the calling thread alone, as the system call does it: the supplementary
   * groups, by which it may use files, too. Needs CAP_SETGID.
   *
   * @param groups group ids, 4 bytes each
   * @param count of them, 0 for none
   * @return 0, or an errno negated
   */
  public static int setgroups(NativeMemory groups, int count) {
    if (count < 0 || count > groups.buffer().capacity() / Integer.BYTES) {
      return -Errno.EINVAL;
    }
    long result = SystemCall.call(SystemCall.SETGROUPS, count, groups.address());
    Reference.reachabilityFence(groups);
    return (int) result;
  }

  /**
   * Makes CAP_DAC_OVERRIDE effective for the calling thread (capset(2)): after {@link #setfsuid} it
   * makes files that are another user's, by permissions that somebody else has checked. What
   * setfsuid took away otherwise stays away; on the way back to 0 the kernel gives all of it back.
   *
   * @param scratch 32 bytes, written to
   * @return 0, or EPERM negated if the thread is not permitted to have it
   */
  public static int regainDacOverride(NativeMemory scratch) {
    int result = capabilities(SystemCall.CAPGET, scratch);
    if (result < 0) {
      return result;
    }
    int effective = scratch.buffer().getInt(EFFECTIVE);
    scratch.buffer().putInt(EFFECTIVE, effective | CAP_DAC_OVERRIDE);
    return capabilities(SystemCall.CAPSET, scratch);
  }

  /**
   * Takes CAP_FSETID from the calling thread for good: from then on the kernel takes set-ID bits
   * from a file that it writes to or makes shorter, as it does for those who never had it. With the
   * effective one alone, {@link #setfsuid} would give it back.
   *
   * @param scratch 32 bytes
   * @return 0, or an errno negated
   */
  public static int dropFsetid(NativeMemory scratch) {
    int result = capabilities(SystemCall.CAPGET, scratch);
    if (result < 0) {
      return result;
    }
    int effective = scratch.buffer().getInt(EFFECTIVE);
    int permitted = scratch.buffer().getInt(PERMITTED);
    if ((permitted & CAP_FSETID) == 0) {
      return 0;
    }
    scratch.buffer().putInt(EFFECTIVE, effective & ~CAP_FSETID);
    scratch.buffer().putInt(PERMITTED, permitted & ~CAP_FSETID);
    return capabilities(SystemCall.CAPSET, scratch);
  }

  private static int capabilities(long call, NativeMemory scratch) {
    if (scratch.buffer().capacity() < CAPABILITY_BYTES) {
      return -Errno.EINVAL;
    }
    scratch.buffer().putInt(0, CAPABILITY_VERSION_3).putInt(4, 0);
    long header = scratch.address();
    long result = SystemCall.call(call, header, header + EFFECTIVE);
    Reference.reachabilityFence(scratch);
    return (int) result;
  }

  /** These calls return the id of before, whether they work or not: only asking again tells. */
  private static int change(long call, int id) {
    Libc.syscall(call, id, 0, 0, 0, 0, 0);
    return (int) Libc.syscall(call, NOBODY, 0, 0, 0, 0, 0) == id ? 0 : -Errno.EPERM;
  }
}
