// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static io.jkvm.devices.virtio.block.VirtioBlock.F_CONFIG_WCE;
import static io.jkvm.devices.virtio.block.VirtioBlock.F_DISCARD;
import static io.jkvm.devices.virtio.block.VirtioBlock.F_FLUSH;
import static io.jkvm.devices.virtio.block.VirtioBlock.F_WRITE_ZEROES;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskRequest;
import io.jkvm.devices.storage.engine.DiskRequest.Operation;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.Virtqueue;

/**
 * The requests of one request queue (virtio 1.2, section 5.2.6): those that are under way, each in
 * a slot of the engine's, and how they begin and are answered. Of one activation and one thread.
 */
final class BlockQueue {
  /** A request has to wait for the disk's rate limit, and is left in the ring. */
  static final int HELD_BACK = -1;

  private final VirtioBlock device;
  private final DiskEngine engine;
  private final BlockConfig config;
  private final long features;
  private final Virtqueue rings;
  private final RateLimit.Turn turn;
  private final BlockRequest parsed;

  /** Which heads are under way: a driver must not offer one of them again. */
  private final boolean[] headUnderWay;

  // What it takes to answer a request, by the index of its slot.
  private final int[] heads;
  private final long[] statusAddresses;
  private final long[] writableBytes;
  private final boolean[] durable;

  BlockQueue(
      VirtioBlock device,
      DiskEngine engine,
      BlockConfig config,
      Virtqueue rings,
      RateLimit.Turn turn,
      long features) {
    this.device = device;
    this.engine = engine;
    this.config = config;
    this.features = features;
    this.rings = rings;
    this.turn = turn;
    parsed = new BlockRequest(device.backend(), config);
    headUnderWay = new boolean[rings.size()];
    heads = new int[engine.capacity()];
    statusAddresses = new long[engine.capacity()];
    writableBytes = new long[engine.capacity()];
    durable = new boolean[engine.capacity()];
  }

  /**
   * Begins with the request that was polled last.
   *
   * @param slot is submitted, or released
   * @return how many used elements were added: 1 if it is answered already; or {@link #HELD_BACK}
   * @throws GuestFault if the request is too broken to be answered; the device needs a reset then
   */
  int begin(DescriptorChain chain, DiskRequest slot) throws GuestFault {
    boolean underWay = false;
    try {
      if (headUnderWay[chain.head()]) {
        throw new GuestFault("head " + chain.head() + " offered again while it is under way");
      }
      int status = parsed.parse(chain);
      if (status == BlockRequest.STATUS_OK
          && parsed.isLimited()
          && !turn.take(parsed.dataBytes())) {
        rings.putBack();
        return HELD_BACK;
      }
      if (status == BlockRequest.STATUS_OK && parsed.type() == BlockRequest.TYPE_GET_ID) {
        chain.write(0, device.id(), BlockRequest.ID_BYTES);
      } else if (status == BlockRequest.STATUS_OK) {
        status = fill(slot);
        if (status == BlockRequest.STATUS_OK) {
          remember(chain, slot);
          boolean finished = engine.submit(slot);
          underWay = true;
          return finished ? finish(slot) : 0;
        }
      }
      chain.writeLastByte(status);
      rings.addUsed(chain.head(), usedBytes(status, chain.writableBytes()));
      return 1;
    } finally {
      if (!underWay) {
        engine.release(slot);
      }
    }
  }

  private int fill(DiskRequest slot) {
    switch (parsed.type()) {
      case BlockRequest.TYPE_IN:
        slot.read(parsed.offsetBytes());
        parsed.collectIn(slot.data());
        return BlockRequest.STATUS_OK;
      case BlockRequest.TYPE_OUT:
        slot.write(parsed.offsetBytes());
        parsed.collectOut(slot.data());
        return BlockRequest.STATUS_OK;
      case BlockRequest.TYPE_FLUSH:
        slot.flush();
        return BlockRequest.STATUS_OK;
      case BlockRequest.TYPE_DISCARD:
        slot.discard();
        return collectRanges(slot, F_DISCARD);
      default:
        slot.writeZeroes();
        return collectRanges(slot, F_WRITE_ZEROES);
    }
  }

  private int collectRanges(DiskRequest slot, long feature) {
    if ((features & feature) == 0) {
      return BlockRequest.STATUS_UNSUPPORTED;
    }
    for (int i = 0; i < parsed.segments(); i++) {
      slot.addRange(parsed.segmentOffsetBytes(i), parsed.segmentBytes(i), parsed.segmentUnmap(i));
    }
    return BlockRequest.STATUS_OK;
  }

  private void remember(DescriptorChain chain, DiskRequest slot) throws GuestFault {
    int index = slot.index();
    statusAddresses[index] = chain.lastByteAddress();
    writableBytes[index] = chain.writableBytes();
    durable[index] =
        slot.operation() != Operation.READ && slot.operation() != Operation.FLUSH && !writeback();
    heads[index] = chain.head();
    headUnderWay[chain.head()] = true;
  }

  /** Section 5.2.6.2: without a flush command every write has to be durable when it is answered. */
  private boolean writeback() {
    if (device.writethrough()) {
      return false;
    }
    return (features & F_CONFIG_WCE) != 0 ? config.writeback() : (features & F_FLUSH) != 0;
  }

  /**
   * Answers a request that the engine has finished, and releases it; one that has to be durable is
   * flushed first.
   *
   * @return how many used elements were added
   */
  int finish(DiskRequest slot) throws GuestFault {
    int index = slot.index();
    boolean underWay = false;
    try {
      if (durable[index] && slot.failure() == null) {
        durable[index] = false;
        slot.flush();
        boolean finished = engine.submit(slot);
        underWay = !finished;
        if (underWay) {
          return 0;
        }
      }
      int status = BlockRequest.STATUS_OK;
      if (slot.failure() != null) {
        status = BlockRequest.STATUS_IO_ERROR;
        log(slot.failure());
      }
      rings.memory().writeU8(statusAddresses[index], status);
      headUnderWay[heads[index]] = false;
      rings.addUsed(heads[index], usedBytes(status, writableBytes[index]));
      return 1;
    } finally {
      if (!underWay) {
        engine.release(slot);
      }
    }
  }

  /** A driver that gets no answer waits for ever, whatever becomes of the log. */
  private void log(Throwable failure) {
    try {
      device.logError(failure);
    } catch (RuntimeException | Error e) {
      return;
    }
  }

  /** The length counts what was surely written from the first byte on (section 2.7.8.2). */
  private static long usedBytes(int status, long writable) {
    return status == BlockRequest.STATUS_OK || writable == 1 ? writable : 0;
  }
}
