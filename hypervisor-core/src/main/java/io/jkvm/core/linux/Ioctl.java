// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

/** ioctl(2), and the arithmetic of its numbers (include/uapi/asm-generic/ioctl.h). */
public final class Ioctl {
  private static final int NONE = 0;
  private static final int WRITE = 1;
  private static final int READ = 2;

  private Ioctl() {}

  /**
   * Calls an ioctl; allocates nothing.
   *
   * @param argument a number, or the address of a structure that the caller keeps reachable
   * @return what the call returned, or an {@link Errno} negated, EINTR too
   */
  public static int call(int fd, long number, long argument) {
    int result = Libc.ioctl(fd, number, argument);
    return result < 0 ? -Libc.errno() : result;
  }

  /** {@code _IO(type, number)}: no argument structure. */
  public static long io(int type, int number) {
    return number(NONE, type, number, 0);
  }

  /** {@code _IOW}: the kernel reads a structure of {@code size} bytes. */
  public static long iow(int type, int number, int size) {
    return number(WRITE, type, number, size);
  }

  /** {@code _IOR}: the kernel writes a structure of {@code size} bytes. */
  public static long ior(int type, int number, int size) {
    return number(READ, type, number, size);
  }

  /** {@code _IOWR}: both. */
  public static long iowr(int type, int number, int size) {
    return number(READ | WRITE, type, number, size);
  }

  private static long number(int direction, int type, int number, int size) {
    if (size < 0 || size >= 1 << 14 || type >>> 8 != 0 || number >>> 8 != 0) {
      throw new IllegalArgumentException("ioctl " + type + "/" + number + "/" + size);
    }
    return (long) direction << 30 | (long) size << 16 | (long) type << 8 | number;
  }
}
