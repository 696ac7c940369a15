// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.message;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What the driver asks: {@code size[4] type[1] tag[2]}, then fields, which are read one after the
 * other. All but data is copied out of the guest's memory before it is looked at. A field that the
 * message does not have reads 0, and {@link #isWhole} tells. One object serves all requests of a
 * queue. Not thread-safe.
 */
public final class P9Request {
  /** Size of what all messages begin with. */
  public static final int HEADER_BYTES = 7;

  /** Room for the longest request without its data: TSYMLINK, with some to spare. */
  private static final int MAX_BYTES = 8192;

  /** The header and all numbers that are not behind a string. */
  private static final int FIRST_BYTES = 96;

  private final ByteBuffer bytes =
      ByteBuffer.allocateDirect(MAX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private DescriptorChain chain;
  private long size;
  private int loaded;
  private int position;
  private boolean whole;

  /**
   * Reads the header.
   *
   * @throws GuestFault if there is not even that, so nothing to answer to
   */
  public void read(DescriptorChain request) throws GuestFault {
    chain = request;
    if (request.readableBytes() < HEADER_BYTES) {
      throw new GuestFault("9P request of " + request.readableBytes() + " bytes");
    }
    loaded = (int) Math.min(FIRST_BYTES, request.readableBytes());
    request.read(0, bytes, 0, loaded);
    size = Integer.toUnsignedLong(bytes.getInt(0));
    loaded = (int) Math.min(loaded, Math.max(size, HEADER_BYTES));
    position = HEADER_BYTES;
    whole = true;
  }

  /** Whether the size in the header is one that the buffers have and that was agreed on. */
  public boolean hasWholeSize(int maxBytes) {
    return size >= HEADER_BYTES && size <= Math.min(chain.readableBytes(), maxBytes);
  }

  /** The number of its type, 0 to 255. */
  public int type() {
    return bytes.get(4) & 0xff;
  }

  /** What the driver knows it by, 0 to 65,535. */
  public int tag() {
    return bytes.getShort(5) & 0xffff;
  }

  /** How many bytes follow what was read. */
  public long remaining() {
    return size - position;
  }

  /** Whether the message had all that was read. */
  public boolean isWhole() {
    return whole;
  }

  /** Where the next field begins, to come back to. */
  public int position() {
    return position;
  }

  /** Goes back to a field. */
  public void position(int field) {
    position = field;
  }

  /** The next field, unsigned. */
  public int u8() throws GuestFault {
    int from = take(1);
    return from < 0 ? 0 : bytes.get(from) & 0xff;
  }

  /** The next field, unsigned. */
  public int u16() throws GuestFault {
    int from = take(2);
    return from < 0 ? 0 : bytes.getShort(from) & 0xffff;
  }

  /** The next field. */
  public int u32() throws GuestFault {
    int from = take(4);
    return from < 0 ? 0 : bytes.getInt(from);
  }

  /** The next field. */
  public long u64() throws GuestFault {
    int from = take(8);
    return from < 0 ? 0 : bytes.getLong(from);
  }

  /** Passes over bytes; returns where they are, or -1 if the message does not have them. */
  private int take(int count) throws GuestFault {
    int end = position + count;
    if (!whole || end > size || end > MAX_BYTES) {
      whole = false;
      return -1;
    }
    if (end > loaded) {
      // What was looked at already stays as it was.
      int all = (int) Math.min(MAX_BYTES, size);
      chain.read(loaded, bytes, loaded, all - loaded);
      loaded = all;
    }
    int from = position;
    position = end;
    return from;
  }

  /**
   * Takes the next string as the name of an entry of a directory.
   *
   * @return 0, or an errno negated
   */
  public int component(NativeName name) throws GuestFault {
    int count = u16();
    int from = take(count);
    return from < 0 ? -Errno.EINVAL : name.setComponent(bytes, from, count);
  }

  /** The same for any other string; it may be empty. */
  public int text(NativeName text) throws GuestFault {
    int count = u16();
    int from = take(count);
    return from < 0 ? -Errno.EINVAL : text.set(bytes, from, count);
  }

  /** The next string with a character for each byte; of {@link #isWhole} an empty one if not. */
  public String string() throws GuestFault {
    int count = u16();
    int from = take(count);
    if (from < 0) {
      return "";
    }
    byte[] copy = new byte[count];
    bytes.get(from, copy);
    return new String(copy, StandardCharsets.ISO_8859_1);
  }

  /** Passes over the next string. */
  public void skipString() throws GuestFault {
    take(u16());
  }

  /** How many dots the next string is, 1 or 2; 0 if it is anything else. It stays the next. */
  public int dots() throws GuestFault {
    int before = position;
    int count = u16();
    int from = take(count);
    position = before;
    if (from < 0 || count < 1 || count > 2 || bytes.get(from) != '.') {
      return 0;
    }
    return bytes.get(from + count - 1) == '.' ? count : 0;
  }

  /** Copies data that comes next, which the message must have. */
  public void data(ByteBuffer target, int to, int count) throws GuestFault {
    chain.read(position, target, to, count);
  }

  /** The places of data that comes next, which the message must have. */
  public void data(int count, IoVector ranges) throws GuestFault {
    ranges.clear();
    chain.readableRanges(position, count, ranges);
  }
}
