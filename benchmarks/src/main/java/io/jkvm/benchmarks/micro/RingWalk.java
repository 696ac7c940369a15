// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.micro;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.Virtqueue;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A request through a split ring (virtio 1.2, section 2.7): found, its descriptors read and
 * checked, answered. It has three buffers as a disk's has, in the ring or in an indirect table.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RingWalk {
  private static final int SIZE = 256;
  private static final int DIRECT_RINGS = 0x10000;
  private static final int INDIRECT_RINGS = 0x20000;
  private static final int TABLES = 0x30000;
  private static final int HEADER = 0x40000;
  private static final int STATUS = 0x40010;
  private static final int DATA = 0x41000;
  private static final int DATA_BYTES = 4096;
  private static final int HEADER_BYTES = 16;
  private static final int NEXT = 1;
  private static final int WRITE = 2;
  private static final int INDIRECT = 4;

  private GuestMemory memory;
  private Ring direct;
  private Ring indirect;

  /** A ring whose driver offers the same requests again and again. */
  private final class Ring {
    private final Virtqueue queue;
    private final DescriptorChain request;
    private final long available;
    private int offered;

    Ring(long base, boolean tables) throws GuestFault {
      available = base + 16L * SIZE;
      long used = (available + 6 + 2L * SIZE + 3) & ~3L;
      int step = tables ? 1 : 3;
      for (int i = 0; i < SIZE; i++) {
        // Of direct chains there is room for a third as many.
        int head = i * step % (SIZE / 3 * step);
        memory.writeU16(available + 4 + 2L * i, head);
        if (tables) {
          descriptor(base, head, TABLES + 48L * head, 48, INDIRECT, 0);
          chain(TABLES + 48L * head, 0);
        } else {
          chain(base, head);
        }
      }
      queue = new Virtqueue(memory, SIZE, SIZE, base, available, used, true, true);
      request = queue.newChain();
    }

    private void chain(long table, int first) throws GuestFault {
      descriptor(table, first, HEADER, HEADER_BYTES, NEXT, first + 1);
      descriptor(table, first + 1, DATA, DATA_BYTES, NEXT | WRITE, first + 2);
      descriptor(table, first + 2, STATUS, 1, WRITE, 0);
    }

    private void descriptor(long table, int index, long address, int bytes, int flags, int next)
        throws GuestFault {
      long at = table + 16L * index;
      memory.writeU64(at, address);
      memory.writeU32(at + 8, bytes);
      memory.writeU16(at + 12, flags);
      memory.writeU16(at + 14, next);
    }

    boolean serveOne() throws GuestFault {
      offered = (offered + 1) & 0xffff;
      memory.writeU16Release(available + 2, offered);
      if (!queue.poll(request)) {
        throw new IllegalStateException("no request");
      }
      request.writeLastByte(0);
      queue.addUsed(request.head(), request.writableBytes());
      return queue.needsInterrupt();
    }
  }

  /** Makes guest memory and both rings. */
  @Setup
  public void prepare() throws LinuxException, GuestFault {
    memory = GuestMemory.allocate(16 << 20);
    direct = new Ring(DIRECT_RINGS, false);
    indirect = new Ring(INDIRECT_RINGS, true);
  }

  @TearDown
  public void close() {
    memory.close();
  }

  @Benchmark
  public boolean direct() throws GuestFault {
    return direct.serveOne();
  }

  @Benchmark
  public boolean indirect() throws GuestFault {
    return indirect.serveOne();
  }
}
