// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;

/**
 * How many threads of the host run or want to (proc_loadavg(5)). Has scratch memory, so each thread
 * needs its own; a count costs three system calls and allocates nothing.
 */
public final class RunnableThreads {
  private static final long OPEN = 2;
  private static final int TEXT_BYTES = 128;
  private static final int FIELDS_BEFORE = 3;

  private final NativeMemory path;
  private final NativeMemory text = new NativeMemory(TEXT_BYTES);

  /** Of this host. */
  public RunnableThreads() {
    this("/proc/loadavg");
  }

  RunnableThreads(String file) {
    byte[] name = file.getBytes(StandardCharsets.UTF_8);
    path = new NativeMemory(name.length + 1);
    path.buffer().put(0, name);
  }

  /** How many there are, the caller among them; 0 where it is not known. */
  public int count() {
    int fd = (int) Libc.syscall(OPEN, path.address(), Libc.O_RDONLY | Libc.O_CLOEXEC, 0, 0, 0, 0);
    Reference.reachabilityFence(this);
    if (fd < 0) {
      return 0;
    }
    long length = Libc.read(fd, text.address(), TEXT_BYTES);
    Libc.close(fd);
    return parsed((int) length);
  }

  /** The text is like "0.20 0.18 0.12 1/80 11206". */
  private int parsed(int length) {
    int spaces = 0;
    int number = 0;
    for (int i = 0; i < length; i++) {
      int c = text.buffer().get(i);
      if (c == ' ') {
        spaces++;
      } else if (spaces == FIELDS_BEFORE) {
        if (c < '0' || c > '9') {
          return number;
        }
        number = 10 * number + c - '0';
      }
    }
    return 0;
  }
}
