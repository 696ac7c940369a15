// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A name, as bytes with a NUL behind them, where the kernel can read it; filled anew for each
 * request. After a refusal it is empty, which the kernel answers with ENOENT, so a result that
 * nobody looked at does not act on the name before.
 *
 * <p>The bytes are copied first and checked in the copy: the source may be memory that a guest
 * writes to meanwhile.
 */
public final class NativeName {
  /** The most bytes of one component of a path, and of the name of an extended attribute. */
  public static final int NAME_MAX = 255;

  /** The most bytes of a path or of the target of a symbolic link: PATH_MAX less the NUL. */
  public static final int PATH_BYTES = 4095;

  private static final byte[] DESCRIPTORS = "/proc/self/fd/".getBytes(StandardCharsets.US_ASCII);

  private final NativeMemory memory;
  private final int capacity;
  private int length;

  /**
   * An empty name.
   *
   * @param capacity how many bytes it can hold, without the NUL: {@link #NAME_MAX} or {@link
   *     #PATH_BYTES} as a rule
   */
  public NativeName(int capacity) {
    this.capacity = capacity;
    memory = new NativeMemory(capacity + 1);
  }

  /**
   * Takes one component of a path, the name of an entry of a directory. No other name can lead out
   * of the directory that it is given with.
   *
   * @param source whose position does not matter, and whose limit is behind the bytes
   * @param from of the first byte
   * @param count how many bytes, a NUL behind them not counted
   * @return 0, or negated: EINVAL for no bytes, "." and "..", and a NUL or a slash in it,
   *     ENAMETOOLONG for more than 255 bytes or the capacity
   */
  public int setComponent(ByteBuffer source, int from, int count) {
    int result = copy(source, from, count, Math.min(capacity, NAME_MAX));
    return result == 0 ? checkComponent() : result;
  }

  /** As {@link #setComponent(ByteBuffer, int, int)}, of all of an array. */
  public int setComponent(byte[] source) {
    int result = copy(source, Math.min(capacity, NAME_MAX));
    return result == 0 ? checkComponent() : result;
  }

  /**
   * Takes anything but a NUL: the target of a symbolic link, the name of an extended attribute, a
   * path that the host chose.
   *
   * @return 0, or negated: EINVAL for a NUL in it, ENAMETOOLONG for more than the capacity
   */
  public int set(ByteBuffer source, int from, int count) {
    int result = copy(source, from, count, capacity);
    return result == 0 ? checkNoNul() : result;
  }

  /** As {@link #set(ByteBuffer, int, int)}, of all of an array. */
  public int set(byte[] source) {
    int result = copy(source, capacity);
    return result == 0 ? checkNoNul() : result;
  }

  /** Makes it the empty name, which stands for the descriptor itself with AT_EMPTY_PATH. */
  public void clear() {
    memory.buffer().put(0, (byte) 0);
    length = 0;
  }

  /**
   * Takes the magic link of a descriptor of this process; of a number below 0, which is none, the
   * empty name. The capacity is 24 or more.
   */
  void setDescriptor(int fd) {
    clear();
    if (fd < 0) {
      return;
    }
    memory.buffer().put(0, DESCRIPTORS);
    int digits = 1;
    for (int left = fd / 10; left > 0; left /= 10) {
      digits++;
    }
    length = DESCRIPTORS.length + digits;
    int left = fd;
    for (int at = length - 1; at >= DESCRIPTORS.length; at--) {
      memory.buffer().put(at, (byte) ('0' + left % 10));
      left /= 10;
    }
    memory.buffer().put(length, (byte) 0);
  }

  private int copy(ByteBuffer source, int from, int count, int most) {
    clear();
    if (count < 0 || from < 0 || from > source.limit() - count) {
      return -Errno.EINVAL;
    }
    if (count > most) {
      return -Errno.ENAMETOOLONG;
    }
    memory.buffer().put(0, source, from, count).put(count, (byte) 0);
    length = count;
    return 0;
  }

  private int copy(byte[] source, int most) {
    clear();
    if (source.length > most) {
      return -Errno.ENAMETOOLONG;
    }
    memory.buffer().put(0, source).put(source.length, (byte) 0);
    length = source.length;
    return 0;
  }

  private int checkComponent() {
    boolean dots = length <= 2 && has('.', 0) && (length == 1 || has('.', 1));
    boolean refused = length == 0 || dots;
    for (int i = 0; i < length && !refused; i++) {
      refused = has('/', i) || has(0, i);
    }
    return refused ? refuse() : 0;
  }

  private int checkNoNul() {
    for (int i = 0; i < length; i++) {
      if (has(0, i)) {
        return refuse();
      }
    }
    return 0;
  }

  private boolean has(int character, int at) {
    return memory.buffer().get(at) == character;
  }

  private int refuse() {
    clear();
    return -Errno.EINVAL;
  }

  /** How many bytes it has, without the NUL. */
  public int length() {
    return length;
  }

  /** Where it is, while this object is reachable. */
  public long address() {
    return memory.address();
  }

  /**
   * Copies it, without the NUL, to the beginning of an array that has room for it.
   *
   * @return how many bytes it has
   */
  public int copyTo(byte[] target) {
    memory.buffer().get(0, target, 0, length);
    return length;
  }

  /** A copy of it, without the NUL. */
  public byte[] bytes() {
    byte[] bytes = new byte[length];
    memory.buffer().get(0, bytes);
    return bytes;
  }
}
