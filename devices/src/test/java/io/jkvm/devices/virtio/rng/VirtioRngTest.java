// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.rng;

import static io.jkvm.devices.virtio.testing.Buffer.in;
import static io.jkvm.devices.virtio.testing.Buffer.out;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.util.BitSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VirtioRngTest {
  private static final long DATA = 0x10_0000;

  private final VirtioRng device = new VirtioRng();
  private GuestMemory memory;

  @BeforeEach
  void allocate() throws Exception {
    memory = GuestMemory.allocate(8 << 20);
  }

  @AfterEach
  void free() {
    memory.close();
  }

  private long request(Buffer... buffers) throws Exception {
    SplitRingDriver ring = new SplitRingDriver(memory, 8, 0x1000);
    ring.add(buffers);
    Virtqueue queue = ring.device();
    DescriptorChain chain = queue.newChain();
    assertTrue(queue.poll(chain));
    return HandlerAccess.of(device, 0, queue, device.features()).process(chain);
  }

  @Test
  void fillsTheBuffersAndNothingElse() throws Exception {
    assertEquals(4, device.type().deviceId());
    assertEquals(3000, request(in(DATA, 1000), in(DATA + 0x1000, 2000)));
    byte[] bytes = new byte[2000];
    memory.read(DATA + 0x1000, bytes, 0, 2000);
    // 2000 random bytes have about half their bits set: 10 standard deviations are 632.
    assertEquals(8000, BitSet.valueOf(bytes).cardinality(), 700);
    assertEquals(0, memory.readU64(DATA + 1000));
    assertEquals(0, memory.readU64(DATA - 8));
    assertEquals(0, memory.readU64(DATA + 0x1000 + 2000));
  }

  @Test
  void oneRequestIsBounded() throws Exception {
    assertEquals(65536, request(in(DATA, 1 << 20)));
    assertEquals(0, memory.readU64(DATA + 65536));
    assertEquals(65536, request(in(DATA, 60000), in(DATA + (1 << 20), 60000)));
    assertEquals(0, memory.readU64(DATA + (1 << 20) + 5536));
  }

  @Test
  void readableBuffersAreRefused() {
    assertThrows(GuestFault.class, () -> request(out(DATA, 16)));
    assertThrows(GuestFault.class, () -> request(out(DATA, 16), in(DATA, 16)));
  }
}
