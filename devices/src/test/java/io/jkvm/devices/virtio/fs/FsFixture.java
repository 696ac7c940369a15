// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import io.jkvm.devices.virtio.transport.VirtioHost;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Function;

/** A file system device behind a transport, and a driver for its queues. */
final class FsFixture implements AutoCloseable {
  static final int RAM = 8 << 20;
  static final int PRIORITY = 0;
  static final int NEEDS_RESET = 64;

  private static final int HEADER = 40;
  private static final int REPLY_BYTES = 4096;

  final GuestMemory memory;
  final VirtioFs device;
  final GuestDriver guest;
  final SplitRingDriver[] rings;
  private long unique = 100;

  FsFixture(Transport transport, VirtioFs device) throws Exception {
    this(transport, device, TestHost::of);
  }

  /** With a machine of some kind around it. */
  FsFixture(Transport transport, VirtioFs device, Function<GuestMemory, VirtioHost> host)
      throws Exception {
    this.device = device;
    memory = GuestMemory.allocate(RAM);
    guest = transport.attach(device, host.apply(memory));
    rings = new SplitRingDriver[device.queueSizes().length];
  }

  /** From reset to DRIVER_OK. */
  FsFixture start() throws GuestFault {
    guest.negotiateWithout(0);
    for (int i = 0; i < rings.length; i++) {
      rings[i] = new SplitRingDriver(memory, 64, 0x1_0000 + 0x2000L * i);
      guest.setUpQueue(i, rings[i]);
    }
    guest.driverOk();
    return this;
  }

  /** And a mount. */
  FsFixture mount() throws GuestFault {
    start();
    Body init = new Body().u32(7).u32(38).u32(0).u32(-1);
    assertEquals(0, request(1, FuseDriver.INIT, 0, init));
    return this;
  }

  private static long requestAt(int queue) {
    return (1L << 20) + queue * 0x1_0000L;
  }

  private static long replyAt(int queue) {
    return requestAt(queue) + 0x8000;
  }

  /** Sends a request without waiting for its answer; one for each queue at a time. */
  void send(int queue, int opcode, long node, Body body) throws GuestFault {
    byte[] bytes = body.bytes();
    ByteBuffer all = ByteBuffer.allocate(HEADER + bytes.length).order(ByteOrder.LITTLE_ENDIAN);
    unique++;
    all.putInt(all.capacity()).putInt(opcode).putLong(unique).putLong(node);
    all.putLong(0).putLong(0).put(bytes);
    memory.write(requestAt(queue), all.array(), 0, all.capacity());
    Buffer request = Buffer.out(requestAt(queue), all.capacity());
    if (queue == PRIORITY) {
      rings[queue].add(request);
    } else {
      rings[queue].add(request, Buffer.in(replyAt(queue), REPLY_BYTES));
    }
    guest.notifyQueue(queue);
  }

  boolean answered(int queue) throws GuestFault {
    return rings[queue].usedIndex() == rings[queue].availIndex();
  }

  /** Waits for the answer; returns its error, positive. */
  int await(int queue) throws GuestFault {
    await(() -> answered(queue), "no answer");
    return error(queue);
  }

  int error(int queue) throws GuestFault {
    int length = rings[queue].usedLength(rings[queue].usedIndex() - 1);
    assertEquals(length, memory.readU32(replyAt(queue)));
    return -memory.readU32(replyAt(queue) + 4);
  }

  int request(int queue, int opcode, long node, Body body) throws GuestFault {
    send(queue, opcode, node, body);
    return await(queue);
  }

  /** A field of the last answer's payload. */
  long u64(int queue, int offset) throws GuestFault {
    return memory.readU64(replyAt(queue) + 16 + offset);
  }

  boolean needsReset() {
    return (guest.status() & NEEDS_RESET) != 0;
  }

  static void await(MmioDriver.Condition condition, String otherwise) throws GuestFault {
    assertTrue(MmioDriver.await(condition), otherwise);
  }

  @Override
  public void close() {
    guest.close();
    device.close();
    memory.close();
  }
}
