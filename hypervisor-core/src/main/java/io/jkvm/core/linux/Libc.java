// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;

/**
 * The C library, through JNA direct mapping with primitive arguments only.
 *
 * <p>Addresses and sizes are {@code long}. A call that fails returns a negative value (mmap: {@code
 * -1}); only then is {@link #errno()} meaningful, because JNA leaves it stale after a success.
 * {@code open} and {@code ioctl} are variadic in C; the x86-64 System V calling convention passes
 * integer arguments to both kinds of function alike.
 *
 * <p>Public only for the packages below {@code core.linux}; outside of them nobody calls the kernel
 * (an architecture test watches over that).
 */
public final class Libc {
  public static final int O_RDONLY = 0;
  public static final int O_WRONLY = 1;
  public static final int O_RDWR = 2;
  public static final int O_CREAT = 0x40;
  public static final int O_TRUNC = 0x200;
  public static final int O_CLOEXEC = 0x80000;
  public static final int O_NONBLOCK = 0x800;

  public static final int PROT_NONE = 0;
  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;
  public static final int MAP_SHARED = 1;
  public static final int MAP_PRIVATE = 2;
  public static final int MAP_FIXED = 0x10;
  public static final int MAP_ANONYMOUS = 0x20;
  public static final int MAP_NORESERVE = 0x4000;

  public static final int EFD_CLOEXEC = 0x80000;

  public static final int F_SETFL = 4;

  public static final int AF_UNIX = 1;
  public static final int AF_INET = 2;
  public static final int SOCK_STREAM = 1;
  public static final int SOCK_DGRAM = 2;
  public static final int SOCK_NONBLOCK = 0x800;
  public static final int SOCK_CLOEXEC = 0x80000;
  public static final int SOL_SOCKET = 1;
  public static final int SO_SNDBUF = 7;
  public static final int SO_RCVBUF = 8;
  public static final int MSG_DONTWAIT = 0x40;
  public static final int MSG_NOSIGNAL = 0x4000;
  public static final int SHUT_RDWR = 2;

  static {
    Native.register(Libc.class, "c");
  }

  private Libc() {}

  /** The error number of this thread's last failed call. */
  public static int errno() {
    return Native.getLastError();
  }

  /** A path or other string as C wants it: UTF-8 with a terminating NUL. */
  public static byte[] cString(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return java.util.Arrays.copyOf(utf8, utf8.length + 1);
  }

  static String message(int errno) {
    return new Pointer(strerror(errno)).getString(0);
  }

  private static native long strerror(int errno);

  /**
   * syscall(2): a system call by its number, for those without a function in older C libraries, or
   * whose function does more than the call. Arguments beyond those of the call are not looked at.
   */
  public static native long syscall(
      long number, long first, long second, long third, long fourth, long fifth, long sixth);

  public static native int open(byte[] path, int flags, int mode);

  public static native int close(int fd);

  public static native int ioctl(int fd, long request, long argument);

  public static native long mmap(
      long address, long length, int protection, int flags, int fd, long offset);

  public static native int munmap(long address, long length);

  public static native int madvise(long address, long length, int advice);

  public static native long memcpy(long target, long source, long count);

  public static native long read(int fd, long buffer, long count);

  public static native long write(int fd, long buffer, long count);

  public static native long writev(int fd, long iovec, int count);

  public static native long pread(int fd, long buffer, long count, long offset);

  public static native long pwrite(int fd, long buffer, long count, long offset);

  public static native long preadv(int fd, long iovec, int count, long offset);

  public static native long pwritev(int fd, long iovec, int count, long offset);

  public static native int fdatasync(int fd);

  public static native int ftruncate(int fd, long length);

  public static native int fallocate(int fd, int mode, long offset, long length);

  public static native int fcntl(int fd, int command, long argument);

  public static native int eventfd(int initialValue, int flags);

  public static native int poll(long pollfds, long count, int timeoutMilliseconds);

  public static native int socket(int domain, int type, int protocol);

  public static native int socketpair(int domain, int type, int protocol, long twoInts);

  public static native int connect(int fd, long address, int length);

  public static native int bind(int fd, long address, int length);

  public static native int listen(int fd, int backlog);

  public static native int accept4(int fd, long address, long length, int flags);

  public static native long send(int fd, long buffer, long count, int flags);

  public static native int shutdown(int fd, int how);

  public static native int setsockopt(int fd, int level, int option, long value, int length);

  public static native long getrandom(long buffer, long length, int flags);

  public static native int getpid();

  public static native int getppid();

  public static native int prctl(int option, long argument);

  public static native int gettid();

  public static native int tgkill(int threadGroup, int thread, int signal);

  public static native int sigaction(int signal, long newAction, long oldAction);

  public static native int isatty(int fd);

  public static native int tcgetattr(int fd, long termios);

  public static native int tcsetattr(int fd, int actions, long termios);

  public static native int tcgetpgrp(int fd);

  public static native int getpgrp();

  public static native int geteuid();
}
