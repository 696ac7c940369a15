// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.NativeMemory;

/**
 * The system calls of this package, by number (arch/x86/entry/syscalls/syscall_64.tbl): older C
 * libraries lack some of the functions, and those that they have refuse other flags than they know.
 * A failure is a negated {@link Errno}, and never EINTR.
 */
final class SystemCall {
  static final long OPEN = 2;
  static final long CLOSE = 3;
  static final long LSEEK = 8;
  static final long IOCTL = 16;
  static final long PREAD64 = 17;
  static final long PWRITE64 = 18;
  static final long FCNTL = 72;
  static final long FLOCK = 73;
  static final long FSYNC = 74;
  static final long FDATASYNC = 75;
  static final long TRUNCATE = 76;
  static final long FTRUNCATE = 77;
  static final long CHMOD = 90;
  static final long FCHMOD = 91;
  static final long UMASK = 95;
  static final long SETGROUPS = 116;
  static final long SETFSUID = 122;
  static final long SETFSGID = 123;
  static final long CAPGET = 125;
  static final long CAPSET = 126;
  static final long FSTATFS = 138;
  static final long SETXATTR = 188;
  static final long FSETXATTR = 190;
  static final long GETXATTR = 191;
  static final long FGETXATTR = 193;
  static final long LISTXATTR = 194;
  static final long FLISTXATTR = 196;
  static final long REMOVEXATTR = 197;
  static final long FREMOVEXATTR = 199;
  static final long GETDENTS64 = 217;
  static final long MKDIRAT = 258;
  static final long MKNODAT = 259;
  static final long FCHOWNAT = 260;
  static final long UNLINKAT = 263;
  static final long LINKAT = 265;
  static final long SYMLINKAT = 266;
  static final long READLINKAT = 267;
  static final long UNSHARE = 272;
  static final long UTIMENSAT = 280;
  static final long FALLOCATE = 285;
  static final long SYNCFS = 306;
  static final long RENAMEAT2 = 316;
  static final long COPY_FILE_RANGE = 326;
  static final long PREADV2 = 327;
  static final long PWRITEV2 = 328;
  static final long STATX = 332;
  static final long OPENAT2 = 437;

  /** The empty name, for AT_EMPTY_PATH; nobody writes to it. */
  private static final NativeMemory EMPTY_NAME = new NativeMemory(1);

  private SystemCall() {}

  static long emptyName() {
    return EMPTY_NAME.address();
  }

  static long call(long number, long first) {
    return call(number, first, 0, 0, 0, 0, 0);
  }

  static long call(long number, long first, long second) {
    return call(number, first, second, 0, 0, 0, 0);
  }

  static long call(long number, long first, long second, long third) {
    return call(number, first, second, third, 0, 0, 0);
  }

  static long call(long number, long first, long second, long third, long fourth) {
    return call(number, first, second, third, fourth, 0, 0);
  }

  static long call(long number, long first, long second, long third, long fourth, long fifth) {
    return call(number, first, second, third, fourth, fifth, 0);
  }

  static long call(
      long number, long first, long second, long third, long fourth, long fifth, long sixth) {
    while (true) {
      long result = Libc.syscall(number, first, second, third, fourth, fifth, sixth);
      if (result != -1) {
        return result;
      }
      int errno = Libc.errno();
      if (errno != Errno.EINTR) {
        return -errno;
      }
    }
  }
}
