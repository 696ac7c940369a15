// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.block.BlockAccess;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.Virtqueue;

/** Makes block requests and lets the device serve them on the calling thread. */
public final class BlockDriver {
  public static final int IN = 0;
  public static final int OUT = 1;
  public static final int FLUSH = 4;
  public static final int GET_ID = 8;
  public static final int DISCARD = 11;
  public static final int WRITE_ZEROES = 13;
  public static final int OK = 0;
  public static final int IO_ERROR = 1;
  public static final int UNSUPPORTED = 2;

  /** Where headers go. */
  public static final long HEADER = 0x8000;

  /** Where the status byte goes. */
  public static final long STATUS = 0x8100;

  /** Where discard segments go. */
  public static final long SEGMENTS = 0x9000;

  private final GuestMemory memory;
  private final VirtioBlock device;
  private final SplitRingDriver ring;
  private final Virtqueue queue;
  private final DescriptorChain chain;
  private BlockAccess requests;

  public BlockDriver(GuestMemory memory, VirtioBlock device) throws GuestFault {
    this.memory = memory;
    this.device = device;
    ring = new SplitRingDriver(memory, 64, 0x1000);
    queue = ring.device();
    chain = queue.newChain();
    activate(device.features());
  }

  /** Begins again with these features. */
  public void activate(long negotiated) {
    device.activate(negotiated);
    requests = new BlockAccess(device, queue, negotiated);
  }

  /** A whole request with header and status around the data; returns the status. */
  public int request(int type, long sector, Buffer... data) throws GuestFault {
    header(type, sector);
    Buffer[] buffers = new Buffer[data.length + 2];
    buffers[0] = Buffer.out(HEADER, 16);
    System.arraycopy(data, 0, buffers, 1, data.length);
    buffers[data.length + 1] = Buffer.in(STATUS, 1);
    return raw(buffers);
  }

  public void header(int type, long sector) throws GuestFault {
    memory.writeU32(HEADER, type);
    memory.writeU32(HEADER + 4, 0);
    memory.writeU64(HEADER + 8, sector);
  }

  /** A request of exactly these descriptors; returns the byte at {@link #STATUS}. */
  public int raw(Buffer... buffers) throws GuestFault {
    memory.writeU8(STATUS, 0xee);
    int head = ring.add(buffers);
    if (!queue.poll(chain)) {
      throw new IllegalStateException("nothing to poll");
    }
    requests.process(chain);
    if (ring.usedId(ring.usedIndex() - 1) != head) {
      throw new IllegalStateException("another request was answered");
    }
    return memory.readU8(STATUS);
  }

  /** The used length of the last request. */
  public int usedLength() throws GuestFault {
    return ring.usedLength(ring.usedIndex() - 1);
  }

  /** Writes a discard or write-zeroes segment. */
  public void segment(int index, long sector, int sectors, int flags) throws GuestFault {
    memory.writeU64(SEGMENTS + 16L * index, sector);
    memory.writeU32(SEGMENTS + 16L * index + 8, sectors);
    memory.writeU32(SEGMENTS + 16L * index + 12, flags);
  }

  /** A request with the first {@code count} segments. */
  public int segments(int type, int count) throws GuestFault {
    return request(type, 0, Buffer.out(SEGMENTS, 16 * count));
  }
}
