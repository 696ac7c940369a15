// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

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
  private static final int READER_SECONDS = 10;
  private static final int S_IFMT = 0170000;
  private static final int S_IFIFO = 0010000;
  private static final int F_DUPFD_CLOEXEC = 1030;

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
   * Opens a file for writing: makes it, readable and writable as the umask allows, or empties it. A
   * FIFO has {@value #READER_SECONDS} s to get its reader.
   *
   * @throws LinuxException naming the path and the error
   */
  public static Fd create(String path) throws LinuxException {
    int flags = Libc.O_WRONLY | Libc.O_CREAT | Libc.O_TRUNC | Libc.O_CLOEXEC;
    return isFifo(path)
        ? openFifo(path)
        : new Fd(
            LinuxException.check(
                "open " + path, Libc.open(Libc.cString(path), flags, READ_AND_WRITE_BY_ALL)));
  }

  /** An open that waits would do so for ever without a reader, whatever signal comes. */
  private static Fd openFifo(String path) throws LinuxException {
    long deadline = System.nanoTime() + READER_SECONDS * 1_000_000_000L;
    int flags = Libc.O_WRONLY | Libc.O_NONBLOCK | Libc.O_CLOEXEC;
    int fd = Libc.open(Libc.cString(path), flags, 0);
    while (fd < 0 && Libc.errno() == Errno.ENXIO && System.nanoTime() < deadline) {
      LockSupport.parkNanos(50_000_000);
      fd = Libc.open(Libc.cString(path), flags, 0);
    }
    if (fd < 0) {
      boolean isUnread = Libc.errno() == Errno.ENXIO;
      String advice = isUnread ? " (a FIFO: start its reader first)" : "";
      throw LinuxException.last("open " + path + advice);
    }
    Fd opened = new Fd(fd);
    try {
      LinuxException.check("fcntl F_SETFL", Libc.fcntl(fd, Libc.F_SETFL, Libc.O_WRONLY));
      return opened;
    } catch (LinuxException e) {
      opened.close();
      throw e;
    }
  }

  private static boolean isFifo(String path) {
    try {
      return ((int) Files.getAttribute(Path.of(path), "unix:mode") & S_IFMT) == S_IFIFO;
    } catch (IOException e) {
      return false; // the open itself tells
    }
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
   * Another descriptor of the same open file, with {@code O_CLOEXEC}.
   *
   * @param name for the message: "standard output"
   * @throws LinuxException with that name and the error
   */
  public static Fd duplicate(int fd, String name) throws LinuxException {
    return new Fd(LinuxException.check("duplicate " + name, Libc.fcntl(fd, F_DUPFD_CLOEXEC, 0)));
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

  /**
   * Closes it and tells what the host could not do with what was written before, as a network file
   * system may only now (close(2)).
   *
   * @param name for the message: "file NAME"
   * @throws LinuxException the descriptor is closed all the same
   */
  public void closeWritten(String name) throws LinuxException {
    int value = fd.getAndSet(-1);
    // EINTR says nothing of the data, and whether there is a second try depends on the kernel.
    if (value >= 0 && Libc.close(value) < 0 && Libc.errno() != Errno.EINTR) {
      throw new LinuxException("close " + name, Libc.errno());
    }
  }

  @Override
  public void close() {
    int value = fd.getAndSet(-1);
    if (value >= 0) {
      Libc.close(value);
    }
  }
}
