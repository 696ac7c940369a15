// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.testing.Buffer;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** What a guest asks all the time must not keep the collector busy. */
class NoGarbageTest {
  private static final long ROOT = FileTree.ROOT;
  private static final long FILE = 2;

  /** A tree that allocates nothing either. */
  private static final class FrugalTree extends StubTree {
    @Override
    public int lookup(long parent, NativeName name, FileAttributes entry) {
      entry.node = FILE;
      entry.mode = FileMode.REGULAR | 0644;
      return 0;
    }

    @Override
    public int open(Caller caller, long node, int flags, OpenResult result) {
      result.set(new StubFile());
      return 0;
    }
  }

  @Test
  void lookupGetattrReadAndWriteAllocateNothing() throws Exception {
    VirtioFs device = new VirtioFs("test", new FrugalTree(), SharePolicy.writable());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      final long handle = guest.open(FILE, 2).handle();
      Body io = new Body().u64(handle).u64(0).u64(4096).u64(0).u64(0);
      assertEquals(0, allocated(guest, FuseDriver.LOOKUP, ROOT, new Body().name("some-name")));
      assertEquals(0, allocated(guest, FuseDriver.GETATTR, FILE, new Body().u64(0).u64(0)));
      Body byHandle = new Body().u32(1).u32(0).u64(handle);
      assertEquals(0, allocated(guest, FuseDriver.GETATTR, FILE, byHandle));
      assertEquals(0, allocated(guest, FuseDriver.READ, FILE, io));
      assertEquals(0, allocated(guest, FuseDriver.WRITE, FILE, io.raw(new byte[4096])));
      assertEquals(0, allocated(guest, FuseDriver.FORGET, FILE, new Body().u64(1)));
    }
  }

  /** Bytes for a request, once classes are loaded and code is compiled. */
  private static long allocated(FuseDriver guest, int opcode, long node, Body body)
      throws Exception {
    byte[] bytes = body.bytes();
    guest.put(opcode, node, 40 + bytes.length, bytes);
    DescriptorChain chain =
        guest.chain(
            Buffer.out(FuseDriver.REQUEST, 40),
            Buffer.out(FuseDriver.REQUEST + 40, bytes.length),
            Buffer.in(FuseDriver.REPLY, 16),
            Buffer.in(FuseDriver.REPLY + 16, 4096));
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    for (int round = 0; round < 200; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 100; i++) {
        guest.handler().process(chain);
      }
      least = Math.min(least, (threads.getCurrentThreadAllocatedBytes() - before) / 100);
    }
    return least;
  }
}
