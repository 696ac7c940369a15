// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What the driver asks: {@code struct fuse_in_header}, a structure that depends on the opcode, then
 * names or data. All but data is copied out of the guest's memory before it is looked at. One
 * object serves all requests of a queue. Not thread-safe.
 *
 * <pre>
 * struct fuse_in_header {   offset
 *   u32 len;                     0    of the whole request
 *   u32 opcode;                  4
 *   u64 unique;                  8
 *   u64 nodeid;                 16
 *   u32 uid, gid, pid;          24
 *   u16 total_extlen;           36
 * };
 * </pre>
 */
final class FuseRequest {
  static final int HEADER_BYTES = 40;

  /** Room for the longest request without its data: SYMLINK, with some to spare. */
  private static final int MAX_BYTES = 8192;

  /** The longest request with its data; more would only keep this queue's thread busy. */
  static final int MAX_LENGTH = MAX_BYTES + MountRequests.MAX_WRITE_BYTES;

  /** The header and the largest structure behind it. */
  private static final int FIRST_BYTES = 128;

  private final ByteBuffer bytes =
      ByteBuffer.allocateDirect(MAX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final Caller caller = new Caller();
  private DescriptorChain chain;
  private long length;
  private int loaded;

  /**
   * Reads the header and what may belong to it.
   *
   * @throws GuestFault if there is not even a header, so nothing to answer to
   */
  void read(DescriptorChain request) throws GuestFault {
    chain = request;
    if (request.readableBytes() < HEADER_BYTES) {
      throw new GuestFault("file system request of " + request.readableBytes() + " bytes");
    }
    loaded = (int) Math.min(FIRST_BYTES, request.readableBytes());
    request.read(0, bytes, 0, loaded);
    length = Integer.toUnsignedLong(bytes.getInt(0));
    loaded = (int) Math.min(loaded, length);
  }

  /** Whether the length in the header is one that the buffers have, and a request can have. */
  boolean hasWholeLength() {
    return length >= HEADER_BYTES && length <= Math.min(MAX_LENGTH, chain.readableBytes());
  }

  int opcode() {
    return bytes.getInt(4);
  }

  long unique() {
    return bytes.getLong(8);
  }

  long node() {
    return bytes.getLong(16);
  }

  Caller caller() {
    caller.uid = bytes.getInt(24);
    caller.gid = bytes.getInt(28);
    return caller;
  }

  /** How many bytes follow the header. */
  long bodyBytes() {
    return length - HEADER_BYTES;
  }

  /** A field of the structure behind the header; the opcode's size of it has been checked. */
  int u32(int offset) {
    return bytes.getInt(HEADER_BYTES + offset);
  }

  /** A field of the structure behind the header. */
  long u64(int offset) {
    return bytes.getLong(HEADER_BYTES + offset);
  }

  /**
   * The name of an entry of a directory that begins somewhere in the body.
   *
   * @return where the next one would begin, or an errno negated
   */
  int component(int offset, NativeName name) throws GuestFault {
    int count = textLength(offset);
    int result = count < 0 ? count : name.setComponent(bytes, HEADER_BYTES + offset, count);
    return result < 0 ? result : offset + count + 1;
  }

  /** The same for any other text, of one byte or more. */
  int text(int offset, NativeName text) throws GuestFault {
    int count = textLength(offset);
    if (count == 0) {
      return -Errno.EINVAL;
    }
    int result = count < 0 ? count : text.set(bytes, HEADER_BYTES + offset, count);
    return result < 0 ? result : offset + count + 1;
  }

  /** Bytes before the next NUL; EINVAL negated if there is none where there can be one. */
  private int textLength(int offset) throws GuestFault {
    loadAll();
    int from = HEADER_BYTES + offset;
    for (int at = from; at < loaded; at++) {
      if (bytes.get(at) == 0) {
        return at - from;
      }
    }
    return -Errno.EINVAL;
  }

  private void loadAll() throws GuestFault {
    int all = (int) Math.min(MAX_BYTES, length);
    if (all > loaded) {
      // What was looked at already stays as it was.
      chain.read(loaded, bytes, loaded, all - loaded);
      loaded = all;
    }
  }

  /** Whether a part of the body that was read as a text begins with some bytes. */
  boolean startsWith(int offset, byte[] prefix) {
    if (HEADER_BYTES + offset + prefix.length > loaded) {
      return false;
    }
    for (int i = 0; i < prefix.length; i++) {
      if (bytes.get(HEADER_BYTES + offset + i) != prefix[i]) {
        return false;
      }
    }
    return true;
  }

  /** Copies data from the body, which must have it. */
  void data(long offset, NativeMemory target, int count) throws GuestFault {
    chain.read(HEADER_BYTES + offset, target.buffer(), 0, count);
  }

  /** The places of data in the body, which must have it. */
  void data(int offset, int count, IoVector ranges) throws GuestFault {
    ranges.clear();
    chain.readableRanges((long) HEADER_BYTES + offset, count, ranges);
  }
}
