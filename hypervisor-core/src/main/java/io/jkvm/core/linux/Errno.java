// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

/** The error numbers of Linux/x86-64 that the project meets, and their names. */
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int EINTR = 4;
  public static final int EIO = 5;
  public static final int ENXIO = 6;
  public static final int E2BIG = 7;
  public static final int EBADF = 9;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EFAULT = 14;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int EXDEV = 18;
  public static final int ENODEV = 19;
  public static final int ENOTDIR = 20;
  public static final int EISDIR = 21;
  public static final int EINVAL = 22;
  public static final int ENFILE = 23;
  public static final int EMFILE = 24;
  public static final int ENOTTY = 25;
  public static final int EFBIG = 27;
  public static final int ENOSPC = 28;
  public static final int ESPIPE = 29;
  public static final int EROFS = 30;
  public static final int EMLINK = 31;
  public static final int EPIPE = 32;
  public static final int ERANGE = 34;
  public static final int ENAMETOOLONG = 36;
  public static final int ENOSYS = 38;
  public static final int ENOTEMPTY = 39;
  public static final int ELOOP = 40;
  public static final int ENODATA = 61;
  public static final int EPROTO = 71;
  public static final int EOVERFLOW = 75;
  public static final int EBADFD = 77;
  public static final int EOPNOTSUPP = 95;
  public static final int EADDRINUSE = 98;
  public static final int EADDRNOTAVAIL = 99;
  public static final int ECONNRESET = 104;
  public static final int ENOTCONN = 107;
  public static final int ECONNREFUSED = 111;
  public static final int ESTALE = 116;
  public static final int EDQUOT = 122;
  public static final int ECANCELED = 125;

  // Positions are the numbers 0..40 of asm-generic/errno-base.h and the first of errno.h.
  private static final String[] NAMES =
      ("0 EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT"
              + " ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY"
              + " ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG"
              + " ENOLCK ENOSYS ENOTEMPTY ELOOP")
          .split(" ");

  private Errno() {}

  /** The symbolic name of an error number, or {@code errno-N} for one that is not known here. */
  public static String name(int errno) {
    if (errno > 0 && errno < NAMES.length) {
      return NAMES[errno];
    }
    return switch (errno) {
      case ENODATA -> "ENODATA";
      case EPROTO -> "EPROTO";
      case EOVERFLOW -> "EOVERFLOW";
      case EBADFD -> "EBADFD";
      case EOPNOTSUPP -> "EOPNOTSUPP";
      case EADDRINUSE -> "EADDRINUSE";
      case EADDRNOTAVAIL -> "EADDRNOTAVAIL";
      case ECONNRESET -> "ECONNRESET";
      case ENOTCONN -> "ENOTCONN";
      case ECONNREFUSED -> "ECONNREFUSED";
      case ESTALE -> "ESTALE";
      case EDQUOT -> "EDQUOT";
      case ECANCELED -> "ECANCELED";
      default -> "errno-" + errno;
    };
  }

  /** The C library's text for an error number. */
  public static String message(int errno) {
    return Libc.message(errno);
  }
}
