// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** From the ring to the disk and back: what a request is read, checked and answered with. */
@Timeout(300)
class BlockAllocationTest {
  private static final int REQUESTS = 20_000;
  private static final int SIZE = 64;

  /** Does nothing, so that what is measured is not the test's. */
  private static final class NoDisk implements BlockBackend {
    @Override
    public String name() {
      return "none";
    }

    @Override
    public long capacityBytes() {
      return 1 << 20;
    }

    @Override
    public long rescan() {
      return 1 << 20;
    }

    @Override
    public boolean readOnly() {
      return false;
    }

    @Override
    public int logicalBlockBytes() {
      return 512;
    }

    @Override
    public void read(IoVector target, long offset) {}

    @Override
    public void write(IoVector source, long offset) {}

    @Override
    public void flush() {}

    @Override
    public void discard(long offset, long length) {}

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {}
  }

  @Test
  void aRequestCostsNoGarbage() throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    BlockBackend backend = new NoDisk();
    VirtioBlock device =
        new VirtioBlock(backend, "x", List.of(DiskEngines.calls(backend)), false, false);
    try (GuestMemory memory = GuestMemory.allocate(1 << 20)) {
      SplitRingDriver ring = new SplitRingDriver(memory, SIZE, 0x1000);
      device.activate(device.features());
      Virtqueue queue = ring.device();
      BlockAccess requests = new BlockAccess(device, queue, device.features());
      DescriptorChain chain = queue.newChain();
      int[] heads = {
        head(memory, ring, 0, BlockDriver.IN, Buffer.in(0x10000, 512), Buffer.in(0x12000, 4096)),
        head(memory, ring, 1, BlockDriver.OUT, Buffer.out(0x10000, 512)),
        head(memory, ring, 2, BlockDriver.FLUSH),
        head(memory, ring, 3, BlockDriver.DISCARD, Buffer.out(0x9000, 16)),
        head(memory, ring, 4, BlockDriver.GET_ID, Buffer.in(0x10000, 20)),
        head(memory, ring, 5, 4711),
      };
      int offered = 0;
      for (; offered < heads.length; offered++) {
        queue.poll(chain);
        requests.process(chain);
      }
      long before = 0;
      for (int i = -REQUESTS; i < REQUESTS; i++) {
        if (i == 0) {
          before = threads.getCurrentThreadAllocatedBytes();
        }
        ring.offer(heads[offered++ % heads.length]);
        queue.poll(chain);
        requests.process(chain);
      }
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertEquals(0, allocated / REQUESTS, allocated + " bytes for " + REQUESTS);
      assertEquals(offered & 0xffff, ring.usedIndex(), "all are answered");
    }
  }

  private static int head(
      GuestMemory memory, SplitRingDriver ring, int number, int type, Buffer... data)
      throws GuestFault {
    long header = 0x8000 + 16L * number;
    memory.writeU32(header, type);
    Buffer[] buffers = new Buffer[data.length + 2];
    buffers[0] = Buffer.out(header, 16);
    System.arraycopy(data, 0, buffers, 1, data.length);
    buffers[data.length + 1] = Buffer.in(0x8800 + number, 1);
    return ring.add(buffers);
  }
}
