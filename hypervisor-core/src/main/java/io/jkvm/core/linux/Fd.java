// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import java.util.concurrent.atomic.AtomicInteger;

/** An open file descriptor. Closing twice is harmless; using it after that fails. */
public final class Fd implements AutoCloseable {
  /** {@link #open} for reading. */
  public static final int READ_ONLY = Libc.O_RDONLY;

  /** {@link #open} for reading and writing. */
  public static final int READ_WRITE = Libc.O_RDWR;

  /** {@link #open} of a block device fails with EBUSY if the host has it mounted. */
  public static final int EXCLUSIVE = 0x80; // O_EXCL

  /**
   * {@link #open} of a file whose data goes past the page cache, which asks for aligned transfers
   * (open(2), O_DIRECT); EINVAL where the file system can't.
   */
  public static final int DIRECT = 0x4000; // O_DIRECT

  /** {@link #open} of what a path leads to, of any type, without a right to its content. */
  public static final int HANDLE = 0x20_0000; // O_PATH

  private static final int READ_AND_WRITE_BY_ALL = 0666;

  private final AtomicInteger fd;

  public Fd(int fd) {
    this.fd = new AtomicInteger(fd);
  }

  /**
   * Opens a file with {@code O_CLOEXEC} added.
   *
   * @param flags {@link #READ_ONLY} or {@link #READ_WRITE}, with {@link #EXCLUSIVE} or {@link
   *     #DIRECT} if wanted
   * @throws LinuxException naming the path and the error
   */
  public static Fd open(String path, int flags) throws LinuxException {
    return new Fd(
        LinuxException.check(
            "open " + path, Libc.open(Libc.cString(path), flags | Libc.O_CLOEXEC, 0)));
  }

  /**
   * Opens a file for writing: makes it, readable and writable as the umask allows, or empties it.
   *
   * @throws LinuxException naming the path and the error
   */
  public static Fd create(String path) throws LinuxException {
    int flags = Libc.O_WRONLY | Libc.O_CREAT | Libc.O_TRUNC | Libc.O_CLOEXEC;
    return new Fd(
        LinuxException.check(
            "open " + path, Libc.open(Libc.cString(path), flags, READ_AND_WRITE_BY_ALL)));
  }

  /**
   * Makes a file that is not there yet, and opens it for writing; a link is there, too.
   *
   * @throws LinuxException naming the path and the error
   */
  public static Fd createNew(String path) throws LinuxException {
    int flags = Libc.O_WRONLY | Libc.O_CREAT | EXCLUSIVE | Libc.O_CLOEXEC;
    return new Fd(
        LinuxException.check(
            "open " + path, Libc.open(Libc.cString(path), flags, READ_AND_WRITE_BY_ALL)));
  }

  /**
   * By which path others of this process open the same file or directory, as long as it is open.
   */
  public String path() {
    return "/proc/self/fd/" + value();
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
