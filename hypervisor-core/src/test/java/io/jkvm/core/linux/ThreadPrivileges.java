// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import com.sun.jna.Native;

/** What a test may do to its own thread only, and to those that it starts later. */
public final class ThreadPrivileges {
  private static final int CLONE_NEWNET = 0x40000000;
  private static final int CAPABILITY_VERSION_3 = 0x20080522;

  static {
    Native.register(ThreadPrivileges.class, "c");
  }

  private ThreadPrivileges() {}

  private static native int unshare(int flags);

  private static native int capset(long header, long data);

  /** Puts the calling thread into a new network namespace. */
  public static void unshareNetwork() throws LinuxException {
    LinuxException.check("unshare", unshare(CLONE_NEWNET));
  }

  /**
   * Takes all capabilities from the calling thread: the user is no root any more, but its files.
   */
  public static void dropCapabilities() throws LinuxException {
    NativeMemory header = new NativeMemory(8);
    header.buffer().putInt(0, CAPABILITY_VERSION_3);
    NativeMemory none = new NativeMemory(24);
    LinuxException.check("capset", capset(header.address(), none.address()));
  }
}
