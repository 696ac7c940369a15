// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import java.util.concurrent.atomic.AtomicInteger;

/** An open file descriptor. Closing twice is harmless; using it after that fails. */
public final class Fd implements AutoCloseable {
  private final AtomicInteger fd;

  public Fd(int fd) {
    this.fd = new AtomicInteger(fd);
  }

  /**
   * Opens a file with {@code O_CLOEXEC} added.
   *
   * @throws LinuxException naming the path and the error
   */
  public static Fd open(String path, int flags) throws LinuxException {
    return new Fd(
        LinuxException.check(
            "open " + path, Libc.open(Libc.cString(path), flags | Libc.O_CLOEXEC, 0)));
  }

  /** The descriptor's number. */
  public int value() {
    int value = fd.getPlain();
    if (value < 0) {
      throw new IllegalStateException("file descriptor is closed");
    }
    return value;
  }

  @Override
  public void close() {
    int value = fd.getAndSet(-1);
    if (value >= 0) {
      Libc.close(value);
    }
  }
}
