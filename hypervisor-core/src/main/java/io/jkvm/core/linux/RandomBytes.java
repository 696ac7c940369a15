// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

/** The host kernel's random numbers: getrandom(2), good enough for keys. */
public final class RandomBytes {
  private RandomBytes() {}

  /**
   * Fills memory of this process.
   *
   * @throws LinuxException EFAULT if the range is not writable
   */
  public static void fill(long address, long length) throws LinuxException {
    for (long done = 0; done < length; ) {
      long result = Libc.getrandom(address + done, length - done, 0);
      if (result > 0) {
        done += result;
      } else if (result == 0 || Libc.errno() != Errno.EINTR) {
        throw LinuxException.last("getrandom");
      }
    }
  }

  /** 64 random bits. */
  public static long nextLong() throws LinuxException {
    NativeMemory bytes = new NativeMemory(8);
    fill(bytes.address(), 8);
    return bytes.buffer().getLong(0);
  }
}
