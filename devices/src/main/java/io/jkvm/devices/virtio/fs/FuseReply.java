// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.IoVector;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.TreeStatistics;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What the driver is answered: {@code struct fuse_out_header}, then a payload, which is either
 * staged here or written into the guest's buffers by whoever has it. One object serves all requests
 * of a queue. Not thread-safe.
 *
 * <pre>
 * struct fuse_out_header {  offset
 *   u32 len;                     0    of the whole reply, which is what the used ring says too
 *   s32 error;                   4    an errno negated, with no payload; or 0
 *   u64 unique;                  8    the request's
 * };
 * </pre>
 */
final class FuseReply {
  static final int HEADER_BYTES = 16;

  /** {@code struct fuse_attr}. */
  private static final int ATTR_BYTES = 88;

  /** {@code struct fuse_entry_out}. */
  static final int ENTRY_BYTES = 40 + ATTR_BYTES;

  /** {@code struct fuse_attr_out}. */
  static final int ATTRIBUTES_BYTES = 16 + ATTR_BYTES;

  /** {@code struct fuse_open_out}. */
  static final int OPEN_BYTES = 16;

  /** {@code struct fuse_write_out}. */
  static final int WRITE_BYTES = 8;

  /** {@code struct fuse_statfs_out}. */
  static final int STATISTICS_BYTES = 80;

  /** {@code struct fuse_init_out}. */
  static final int INIT_BYTES = 64;

  /** The same before protocol 7.23. */
  static final int OLD_INIT_BYTES = 24;

  private static final int STAGED_BYTES = 512;

  private final ByteBuffer bytes =
      ByteBuffer.allocateDirect(HEADER_BYTES + STAGED_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final long validSeconds;
  private final int validNanos;
  private DescriptorChain chain;
  private int staged;

  /** Replies that say how long the guest may believe names and attributes. */
  FuseReply(long validSeconds, int validNanos) {
    this.validSeconds = validSeconds;
    this.validNanos = validNanos;
  }

  /** Begins the reply to a request. */
  void begin(DescriptorChain request) {
    chain = request;
    staged = 0;
  }

  /** Whether an answer of any kind is possible. */
  boolean hasHeader() {
    return chain.writableBytes() >= HEADER_BYTES;
  }

  /** How many bytes of payload there is room for; the header must have some. */
  long room() {
    return chain.writableBytes() - HEADER_BYTES;
  }

  /**
   * Ends the reply.
   *
   * @param result the length of the payload, or an errno negated
   * @return the length of the reply
   */
  long finish(long unique, int result) throws GuestFault {
    int payload = Math.max(result, 0);
    bytes.putInt(0, HEADER_BYTES + payload);
    bytes.putInt(4, Math.min(result, 0));
    bytes.putLong(8, unique);
    chain.write(0, bytes, 0, HEADER_BYTES + Math.min(staged, payload));
    return HEADER_BYTES + payload;
  }

  /** The next field of the staged payload. */
  void u32(int value) {
    bytes.putInt(HEADER_BYTES + staged, value);
    staged += 4;
  }

  /** The next field of the staged payload. */
  void u64(long value) {
    bytes.putLong(HEADER_BYTES + staged, value);
    staged += 8;
  }

  void u16(int value) {
    bytes.putShort(HEADER_BYTES + staged, (short) value);
    staged += 2;
  }

  /** Zeroes up to a size of the staged payload. */
  void zeroTo(int size) {
    while (staged < size) {
      bytes.put(HEADER_BYTES + staged, (byte) 0);
      staged++;
    }
  }

  /** How long the staged payload is: what a handler returns if it staged one. */
  int staged() {
    return staged;
  }

  /**
   * {@code struct fuse_entry_out} of a node, generation 0 since numbers are never used again. Linux
   * forgets a node whose name can't be believed as soon as it is not used.
   */
  void entry(FileAttributes entry) {
    entryHead(entry.node, !entry.fleeting);
    attr(entry);
  }

  /** The same without a node. It can be believed as long as one with a node, or not at all. */
  void noEntry(boolean believed) {
    int before = staged;
    if (believed) {
      entryHead(0, true);
    }
    zeroTo(before + ENTRY_BYTES);
  }

  private void entryHead(long node, boolean believed) {
    u64(node);
    u64(0);
    u64(believed ? validSeconds : 0);
    u64(validSeconds);
    u32(believed ? validNanos : 0);
    u32(validNanos);
  }

  /** {@code struct fuse_attr_out}. */
  void attributes(FileAttributes attributes) {
    u64(validSeconds);
    u32(validNanos);
    u32(0);
    attr(attributes);
  }

  private void attr(FileAttributes a) {
    u64(a.inode);
    u64(a.size);
    u64(a.blocks);
    u64(a.accessSeconds);
    u64(a.modificationSeconds);
    u64(a.changeSeconds);
    u32(a.accessNanos);
    u32(a.modificationNanos);
    u32(a.changeNanos);
    u32(a.mode);
    u32(a.links);
    u32(a.uid);
    u32(a.gid);
    u32(a.device);
    u32(a.blockBytes);
    u32(0); // neither a submount nor for DAX
  }

  /** {@code struct fuse_open_out}. */
  void open(long handle, int flags) {
    u64(handle);
    u32(flags);
    u32(0);
  }

  /** {@code struct fuse_statfs_out}. */
  void statistics(TreeStatistics s) {
    u64(s.blocks);
    u64(s.freeBlocks);
    u64(s.availableBlocks);
    u64(s.files);
    u64(s.freeFiles);
    u32(s.blockBytes);
    u32(s.nameBytes);
    u32(s.fragmentBytes);
    zeroTo(STATISTICS_BYTES);
  }

  /** Writes a part of the payload into the guest's buffers, which must have room. */
  void write(int offset, ByteBuffer source, int from, int length) throws GuestFault {
    chain.write((long) HEADER_BYTES + offset, source, from, length);
  }

  /** Writes what is staged into the guest's buffers, as a part of a larger payload. */
  void writeStaged(int offset) throws GuestFault {
    write(offset, bytes, HEADER_BYTES, staged);
    staged = 0;
  }

  /** The places of the payload's first bytes in the guest's buffers, which must have room. */
  void target(int length, IoVector ranges) throws GuestFault {
    ranges.clear();
    chain.writableRanges(HEADER_BYTES, length, ranges);
  }
}
