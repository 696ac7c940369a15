// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.storage.engine.DiskRequest;
import io.jkvm.devices.virtio.ConfigSpace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The configuration space of a block device (virtio 1.2, section 5.2.4, {@code struct
 * virtio_blk_config}). Written by vCPU threads and by whoever makes the disk larger, read by vCPU
 * threads and the queues'.
 */
final class BlockConfig implements ConfigSpace {
  /** Most sectors in a discard segment: 2 GiB. */
  static final int MAX_DISCARD_SECTORS = 1 << 22;

  static final int MAX_DISCARD_SEGMENTS = DiskRequest.MAX_RANGES;

  /** Most sectors in a write-zeroes segment: 128 MiB, since the host may have to write them. */
  static final int MAX_WRITE_ZEROES_SECTORS = 1 << 18;

  static final int MAX_WRITE_ZEROES_SEGMENTS = 1;

  private static final int BYTES = 60;
  private static final int CAPACITY_END = 8;
  private static final int WRITEBACK = 32;
  private static final int NUM_QUEUES = 34;
  private static final int PHYSICAL_BLOCK_BYTES = 4096;

  private final ByteBuffer fields = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final boolean writebackAtFirst;
  private volatile boolean writeback;
  private volatile boolean switchable;

  /** Written with the monitor held. */
  private volatile long capacitySectors;

  // Guarded by this.
  private boolean hasDriver;
  private boolean grewBeforeDriver;

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
    capacitySectors = backend.capacityBytes() / VirtioBlock.SECTOR_BYTES;
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

  /** The size of the disk, as the driver is told. */
  long capacitySectors() {
    return capacitySectors;
  }

  /**
   * The disk is larger now; one that is not stays as it is.
   *
   * @param changed counts the configuration's generation on and tells the driver. Run while nothing
   *     can be read here: a driver reads the capacity in two halves, and knows by the generation
   *     whether they belong together (section 2.5.1)
   */
  synchronized void grow(long sectors, Runnable changed) {
    if (sectors > capacitySectors) {
      capacitySectors = sectors;
      grewBeforeDriver |= !hasDriver;
      changed.run();
    }
  }

  /**
   * The driver is ready, and is told of changes from now on.
   *
   * @return whether the capacity changed before, perhaps after the driver had read it
   */
  synchronized boolean driverReady() {
    boolean changed = grewBeforeDriver;
    hasDriver = true;
    grewBeforeDriver = false;
    return changed;
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

  synchronized void reset() {
    hasDriver = false;
    switchable = false;
    writeback = writebackAtFirst;
  }

  @Override
  public int length() {
    return BYTES;
  }

  @Override
  public synchronized long read(long offset, int size) {
    return ConfigSpace.super.read(offset, size);
  }

  @Override
  public int byteAt(int offset) {
    if (offset < CAPACITY_END) {
      return (int) (capacitySectors >>> (8 * offset));
    }
    return offset == WRITEBACK && writeback ? 1 : fields.get(offset);
  }

  @Override
  public void write(long offset, int size, long value) {
    if (switchable && offset == WRITEBACK && size == 1) {
      writeback = (value & 1) != 0;
    }
  }
}
