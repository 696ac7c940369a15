// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import io.jkvm.core.linux.IoVector;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A block request (virtio 1.2, section 5.2.6), checked as a whole before the disk is touched. One
 * object serves all requests of a queue. Not thread-safe.
 */
final class BlockRequest {
  static final int TYPE_IN = 0;
  static final int TYPE_OUT = 1;
  static final int TYPE_FLUSH = 4;
  static final int TYPE_GET_ID = 8;
  static final int TYPE_DISCARD = 11;
  static final int TYPE_WRITE_ZEROES = 13;

  static final int STATUS_OK = 0;
  static final int STATUS_IO_ERROR = 1;
  static final int STATUS_UNSUPPORTED = 2;

  static final int ID_BYTES = 20;

  private static final int HEADER_BYTES = 16;
  private static final int SEGMENT_BYTES = 16;
  private static final int FLAG_UNMAP = 1;

  private final BlockBackend backend;
  private final BlockConfig config;
  private final byte[] bytes = new byte[SEGMENT_BYTES * BlockConfig.MAX_DISCARD_SEGMENTS];
  private final ByteBuffer fields = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  private DescriptorChain chain;
  private int type;
  private long capacitySectors;
  private long sector;
  private long dataBytes;
  private int segments;

  BlockRequest(BlockBackend backend, BlockConfig config) {
    this.backend = backend;
    this.config = config;
  }

  /**
   * Reads and checks a request.
   *
   * @return {@link #STATUS_OK} if it may be carried out, else the status to answer with
   * @throws GuestFault if there is no header or no place for the status
   */
  int parse(DescriptorChain request) throws GuestFault {
    chain = request;
    segments = 0;
    dataBytes = 0;
    capacitySectors = config.capacitySectors(); // once: it may grow meanwhile
    if (request.readableBytes() < HEADER_BYTES || request.writableBytes() < 1) {
      throw new GuestFault("block request without a header of 16 bytes or a status byte");
    }
    request.read(0, bytes, HEADER_BYTES);
    type = fields.getInt(0);
    sector = fields.getLong(8);
    long outBytes = request.readableBytes() - HEADER_BYTES;
    long inBytes = request.writableBytes() - 1;
    switch (type) {
      case TYPE_IN:
        dataBytes = inBytes;
        return ok(outBytes == 0 && inDisk(inBytes));
      case TYPE_OUT:
        dataBytes = outBytes;
        return ok(inBytes == 0 && !backend.readOnly() && inDisk(outBytes));
      case TYPE_FLUSH:
        return ok(outBytes == 0 && inBytes == 0);
      case TYPE_GET_ID:
        return ok(outBytes == 0 && inBytes == ID_BYTES);
      case TYPE_DISCARD:
        return parseSegments(
            outBytes,
            inBytes,
            BlockConfig.MAX_DISCARD_SEGMENTS,
            BlockConfig.MAX_DISCARD_SECTORS,
            0);
      case TYPE_WRITE_ZEROES:
        return parseSegments(
            outBytes,
            inBytes,
            BlockConfig.MAX_WRITE_ZEROES_SEGMENTS,
            BlockConfig.MAX_WRITE_ZEROES_SECTORS,
            FLAG_UNMAP);
      default:
        return STATUS_UNSUPPORTED;
    }
  }

  private static int ok(boolean good) {
    return good ? STATUS_OK : STATUS_IO_ERROR;
  }

  private boolean inDisk(long length) {
    return length % VirtioBlock.SECTOR_BYTES == 0
        && inDisk(sector, length / VirtioBlock.SECTOR_BYTES);
  }

  /** Both numbers unsigned, their sum may not fit 64 bits. */
  private boolean inDisk(long from, long sectors) {
    return Long.compareUnsigned(from, capacitySectors) <= 0
        && Long.compareUnsigned(sectors, capacitySectors - from) <= 0;
  }

  /** The array of {@code struct virtio_blk_discard_write_zeroes}. */
  private int parseSegments(
      long outBytes, long inBytes, int maxSegments, int maxSectors, int knownFlags)
      throws GuestFault {
    if (backend.readOnly()
        || inBytes != 0
        || outBytes == 0
        || outBytes % SEGMENT_BYTES != 0
        || outBytes > (long) maxSegments * SEGMENT_BYTES) {
      return STATUS_IO_ERROR;
    }
    chain.read(HEADER_BYTES, bytes, (int) outBytes);
    segments = (int) outBytes / SEGMENT_BYTES;
    for (int i = 0; i < segments; i++) {
      if ((fields.getInt(i * SEGMENT_BYTES + 12) & ~knownFlags) != 0) {
        return STATUS_UNSUPPORTED;
      }
      long sectors = Integer.toUnsignedLong(fields.getInt(i * SEGMENT_BYTES + 8));
      if (sectors > maxSectors || !inDisk(fields.getLong(i * SEGMENT_BYTES), sectors)) {
        return STATUS_IO_ERROR;
      }
      if (type == TYPE_WRITE_ZEROES) {
        dataBytes += sectors * VirtioBlock.SECTOR_BYTES; // which the host may have to write
      }
    }
    return STATUS_OK;
  }

  int type() {
    return type;
  }

  /** Whether a request that may be carried out counts where a disk's rate is limited. */
  boolean isLimited() {
    return type != TYPE_FLUSH && type != TYPE_GET_ID;
  }

  /** How many bytes a request reads, writes or makes zero; 0 if it does none of it. */
  long dataBytes() {
    return dataBytes;
  }

  /** Where a read or write starts, in bytes. */
  long offsetBytes() {
    return sector * VirtioBlock.SECTOR_BYTES;
  }

  /** Collects the data of a read: everything device-writable but the status byte. */
  void collectIn(IoVector vector) {
    vector.clear();
    int last = chain.count() - 1;
    for (int i = chain.readableCount(); i <= last; i++) {
      vector.add(chain.hostAddress(i), i == last ? chain.length(i) - 1 : chain.length(i));
    }
  }

  /** Collects the data of a write: everything device-readable after the header. */
  void collectOut(IoVector vector) {
    vector.clear();
    long skip = HEADER_BYTES;
    for (int i = 0; i < chain.readableCount(); i++) {
      long part = Math.min(skip, chain.length(i));
      vector.add(chain.hostAddress(i) + part, chain.length(i) - part);
      skip -= part;
    }
  }

  /** How many discard or write-zeroes segments there are. */
  int segments() {
    return segments;
  }

  long segmentOffsetBytes(int segment) {
    return fields.getLong(segment * SEGMENT_BYTES) * VirtioBlock.SECTOR_BYTES;
  }

  long segmentBytes(int segment) {
    return Integer.toUnsignedLong(fields.getInt(segment * SEGMENT_BYTES + 8))
        * VirtioBlock.SECTOR_BYTES;
  }

  boolean segmentUnmap(int segment) {
    return (fields.getInt(segment * SEGMENT_BYTES + 12) & FLAG_UNMAP) != 0;
  }
}
