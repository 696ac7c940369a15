// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.p9.message.MessageType;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The device behind a transport: its queue's thread, and a reset. */
@Timeout(300)
class P9QueueTest {
  private static final int RAM = 8 << 20;
  private static final int NEEDS_RESET = 64;
  private static final long REQUEST = 1 << 20;
  private static final long REPLY = 2 << 20;

  @TempDir private Path temporary;

  private GuestMemory memory;
  private GuestDriver guest;
  private SplitRingDriver ring;

  private void start() throws GuestFault {
    guest.negotiateWithout(0);
    ring = new SplitRingDriver(memory, 64, 0x1_0000);
    guest.setUpQueue(0, ring);
    guest.driverOk();
  }

  private void await(MmioDriver.Condition condition, String otherwise) throws GuestFault {
    assertTrue(MmioDriver.await(condition), otherwise);
  }

  /** Sends a message and waits; returns the type of the reply. */
  private int request(MessageType type, Body body) throws GuestFault {
    byte[] bytes = body.bytes();
    ByteBuffer all = ByteBuffer.allocate(7 + bytes.length).order(ByteOrder.LITTLE_ENDIAN);
    all.putInt(all.capacity()).put((byte) type.number()).putShort((short) 1).put(bytes);
    memory.write(REQUEST, all.array(), 0, all.capacity());
    ring.add(Buffer.out(REQUEST, all.capacity()), Buffer.in(REPLY, 4096));
    guest.notifyQueue(0);
    await(() -> ring.usedIndex() == ring.availIndex(), "no answer");
    return memory.readU8(REPLY + 4);
  }

  private void mount() throws GuestFault {
    Body version = new Body().u32(8192).string("9P2000.L");
    assertEquals(101, request(MessageType.TVERSION, version));
    Body attach = new Body().u32(0).u32(-1).string("").string("").u32(0);
    assertEquals(105, request(MessageType.TATTACH, attach));
  }

  @ParameterizedTest
  @EnumSource
  void aResetClosesEverything(Transport transport) throws Exception {
    JavaTree tree = new JavaTree("t", temporary);
    Virtio9p device = new Virtio9p("t", tree, SharePolicy.writable());
    memory = GuestMemory.allocate(RAM);
    guest = transport.attach(device, TestHost.impatient(memory, 10_000));
    try {
      start();
      mount();
      Body create = new Body().u32(0).string("f").u32(2).u32(0644).u32(0);
      assertEquals(15, request(MessageType.TLCREATE, create));
      assertEquals(1, device.openFiles());
      guest.status(0);
      await(() -> guest.status() == 0, "not reset");
      assertEquals(0, device.openFiles());
      assertEquals(1, tree.knownNodes());
      start();
      assertEquals(7, request(MessageType.TCLUNK, new Body().u32(0)));
      mount();
      assertEquals(121, request(MessageType.TCLUNK, new Body().u32(0)));

      ring.add(Buffer.out(REQUEST, 6), Buffer.in(REPLY, 100));
      guest.notifyQueue(0);
      await(() -> (guest.status() & NEEDS_RESET) != 0, "goes on");
      start();
      mount();
    } finally {
      guest.close();
      device.close();
      memory.close();
    }
  }
}
