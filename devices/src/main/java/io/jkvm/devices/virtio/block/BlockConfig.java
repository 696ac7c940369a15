// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.storage.engine.DiskRequest;
import io.jkvm.devices.virtio.ConfigSpace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The configuration space of a block device (virtio 1.2, section 5.2.4, {@code struct
 * virtio_blk_config}). Written by vCPU threads, read by them and the queue's.
 */
final class BlockConfig implements ConfigSpace {
  /** Most sectors in a discard segment: 2 GiB. */
  static final int MAX_DISCARD_SECTORS = 1 << 22;

  static final int MAX_DISCARD_SEGMENTS = DiskRequest.MAX_RANGES;

  /** Most sectors in a write-zeroes segment: 128 MiB, since the host may have to write them. */
  static final int MAX_WRITE_ZEROES_SECTORS = 1 << 18;

  static final int MAX_WRITE_ZEROES_SEGMENTS = 1;

  private static final int BYTES = 60;
  private static final int WRITEBACK = 32;
  private static final int NUM_QUEUES = 34;
  private static final int PHYSICAL_BLOCK_BYTES = 4096;

  private final ByteBuffer fields = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final boolean writebackAtFirst;
  private volatile boolean writeback;
  private volatile boolean switchable;

  /**
   * Of a disk.
   *
   * @param writeback whether writes may stay in a cache before the driver has said anything
   */
  BlockConfig(BlockBackend backend, int maxDataSegments, int queues, boolean writeback) {
    writebackAtFirst = writeback;
    this.writeback = writeback;
    fields.putShort(NUM_QUEUES, (short) queues);
    int block = backend.logicalBlockBytes();
    fields.putLong(0, backend.capacityBytes() / VirtioBlock.SECTOR_BYTES);
    fields.putInt(12, maxDataSegments);
    fields.putInt(20, block);
    int blocksPerPhysical = Math.max(1, PHYSICAL_BLOCK_BYTES / block);
    fields.put(24, (byte) Integer.numberOfTrailingZeros(blocksPerPhysical));
    fields.putShort(26, (short) blocksPerPhysical);
    if (!backend.readOnly()) {
      fields.putInt(36, MAX_DISCARD_SECTORS);
      fields.putInt(40, MAX_DISCARD_SEGMENTS);
      fields.putInt(44, Math.max(block, PHYSICAL_BLOCK_BYTES) / VirtioBlock.SECTOR_BYTES);
      fields.putInt(48, MAX_WRITE_ZEROES_SECTORS);
      fields.putInt(52, MAX_WRITE_ZEROES_SEGMENTS);
      fields.put(56, (byte) 1);
    }
  }

  /** Whether the driver lets writes stay in a cache until it asks for a flush. */
  boolean writeback() {
    return writeback;
  }

  /**
   * What the driver negotiated.
   *
   * @param mayChoose whether it may switch the cache off and on
   * @param canFlush without that the cache is off at first (section 5.2.5)
   */
  void negotiated(boolean mayChoose, boolean canFlush) {
    writeback &= canFlush || !mayChoose;
    switchable = mayChoose;
  }

  void reset() {
    switchable = false;
    writeback = writebackAtFirst;
  }

  @Override
  public int length() {
    return BYTES;
  }

  @Override
  public int byteAt(int offset) {
    return offset == WRITEBACK && writeback ? 1 : fields.get(offset);
  }

  @Override
  public void write(long offset, int size, long value) {
    if (switchable && offset == WRITEBACK && size == 1) {
      writeback = (value & 1) != 0;
    }
  }
}
