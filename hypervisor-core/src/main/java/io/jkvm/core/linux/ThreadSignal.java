// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.lang.ref.Reference;

/**
 * Interrupts a blocking system call of one thread with a real-time signal.
 *
 * <p>The handler is a harmless C library function ({@code abs}), so that no Java code ever runs in
 * signal context; all that matters is that the call returns EINTR. Installed once for the process.
 */
public final class ThreadSignal {
  // glibc keeps 32 and 33 for itself, HotSpot uses none of the real-time signals.
  private static final int SIGNAL = 36;
  private static final int SIGACTION_BYTES = 152;

  static {
    NativeMemory action = new NativeMemory(SIGACTION_BYTES);
    long handler = Pointer.nativeValue(NativeLibrary.getInstance("c").getFunction("abs"));
    action.buffer().putLong(0, handler);
    int result = Libc.sigaction(SIGNAL, action.address(), 0);
    Reference.reachabilityFence(action);
    if (result != 0) {
      throw new IllegalStateException("sigaction: " + Errno.name(Libc.errno()));
    }
  }

  private final int processId = Libc.getpid();
  private final int threadId = Libc.gettid();

  private ThreadSignal() {}

  /** A handle on the calling thread. */
  public static ThreadSignal current() {
    return new ThreadSignal();
  }

  /** Sends the signal; the thread must not have ended. */
  public void send() {
    Libc.tgkill(processId, threadId, SIGNAL);
  }
}
