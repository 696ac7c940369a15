// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.message;

import io.jkvm.core.linux.IoVector;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.TreeStatistics;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What the driver is answered: {@code size[4] type[1] tag[2]}, then a payload, whose fields are
 * staged here, and whose data is written into the guest's buffers by whoever has it. One object
 * serves all requests of a queue. Not thread-safe.
 */
public final class P9Reply {
  /** Size of a qid. */
  public static final int QID_BYTES = 13;

  /** Payload of RLOPEN and RLCREATE. */
  static final int OPEN_BYTES = QID_BYTES + 4;

  /** Payload of RGETATTR. */
  static final int ATTRIBUTES_BYTES = 153;

  private static final int HEADER_BYTES = P9Request.HEADER_BYTES;
  private static final int RLERROR = 7;
  private static final int ERROR_BYTES = 4;
  private static final int STAGED_BYTES = 512;

  /** P9_STATS_BASIC: all fields up to the blocks. */
  private static final long BASIC = 0x7ff;

  /** What Linux has in linux/magic.h for this file system. */
  private static final int V9FS_MAGIC = 0x0102_1997;

  private static final int QT_DIRECTORY = 0x80;
  private static final int QT_SYMBOLIC_LINK = 0x02;

  private final ByteBuffer bytes =
      ByteBuffer.allocateDirect(HEADER_BYTES + STAGED_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private DescriptorChain chain;
  private long limit;
  private int staged;

  /**
   * Begins the reply to a request.
   *
   * @param maxBytes the size that was agreed on
   * @throws GuestFault if there is no room even for an error
   */
  public void begin(DescriptorChain request, int maxBytes) throws GuestFault {
    chain = request;
    staged = 0;
    limit = Math.min(request.writableBytes(), maxBytes);
    if (limit < HEADER_BYTES + ERROR_BYTES) {
      throw new GuestFault("9P request with room for a reply of " + limit + " bytes");
    }
  }

  /** How many bytes of payload there is room for, 4 or more. */
  public long room() {
    return limit - HEADER_BYTES;
  }

  /**
   * Ends the reply.
   *
   * @param requestType the number of the request's type
   * @param result the length of the payload, for which there is room, or an errno negated
   * @return the length of the reply
   */
  public long finish(int requestType, int tag, int result) throws GuestFault {
    int payload = result;
    int type = requestType + 1;
    if (result < 0) {
      staged = 0;
      u32(-result);
      payload = ERROR_BYTES;
      type = RLERROR;
    }
    bytes.putInt(0, HEADER_BYTES + payload);
    bytes.put(4, (byte) type);
    bytes.putShort(5, (short) tag);
    chain.write(0, bytes, 0, HEADER_BYTES + Math.min(staged, payload));
    return HEADER_BYTES + payload;
  }

  /** The next field of the staged payload. */
  public void u8(int value) {
    bytes.put(HEADER_BYTES + staged, (byte) value);
    staged++;
  }

  /** The next field of the staged payload. */
  public void u16(int value) {
    bytes.putShort(HEADER_BYTES + staged, (short) value);
    staged += 2;
  }

  /** The next field of the staged payload. */
  public void u32(int value) {
    bytes.putInt(HEADER_BYTES + staged, value);
    staged += 4;
  }

  /** The next field of the staged payload. */
  public void u64(long value) {
    bytes.putLong(HEADER_BYTES + staged, value);
    staged += 8;
  }

  /**
   * A string of bytes that are characters up to U+00FF.
   *
   * @param text 255 at most
   */
  public void string(String text) {
    u16(text.length());
    for (int i = 0; i < text.length(); i++) {
      u8(text.charAt(i));
    }
  }

  /**
   * A qid. Its version is always 0: no number would change with each change that the host makes, so
   * a guest must not conclude from the same one that a file is the same.
   */
  public void qid(int mode, long inode) {
    int type = mode & FileMode.TYPE;
    int link = type == FileMode.SYMBOLIC_LINK ? QT_SYMBOLIC_LINK : 0;
    u8(type == FileMode.DIRECTORY ? QT_DIRECTORY : link);
    u32(0);
    u64(inode);
  }

  /** The payload of RGETATTR. The time of birth, generation and data version are not told. */
  public void attributes(FileAttributes a) {
    u64(BASIC);
    qid(a.mode, a.inode);
    u32(a.mode);
    u32(a.uid);
    u32(a.gid);
    u64(Integer.toUnsignedLong(a.links));
    u64(Integer.toUnsignedLong(a.device));
    u64(a.size);
    u64(a.blockBytes);
    u64(a.blocks);
    u64(a.accessSeconds);
    u64(a.accessNanos);
    u64(a.modificationSeconds);
    u64(a.modificationNanos);
    u64(a.changeSeconds);
    u64(a.changeNanos);
    u64(0);
    u64(0);
    u64(0);
    u64(0);
  }

  /** The payload of RSTATFS. */
  public void statistics(TreeStatistics s) {
    u32(V9FS_MAGIC);
    u32(s.fragmentBytes);
    u64(s.blocks);
    u64(s.freeBlocks);
    u64(s.availableBlocks);
    u64(s.files);
    u64(s.freeFiles);
    u64(0);
    u32(s.nameBytes);
  }

  /** How long the staged payload is: what a handler returns if it staged all of one. */
  public int staged() {
    return staged;
  }

  /** Writes a part of the payload into the guest's buffers, which must have room. */
  public void write(int offset, ByteBuffer source, int from, int length) throws GuestFault {
    chain.write((long) HEADER_BYTES + offset, source, from, length);
  }

  /** Writes what is staged into the guest's buffers, as a part of a larger payload. */
  public void writeStaged(int offset) throws GuestFault {
    write(offset, bytes, HEADER_BYTES, staged);
    staged = 0;
  }

  /** The places of a part of the payload in the guest's buffers, which must have room. */
  public void target(int offset, int length, IoVector ranges) throws GuestFault {
    ranges.clear();
    chain.writableRanges((long) HEADER_BYTES + offset, length, ranges);
  }
}
