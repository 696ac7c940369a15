// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.p9.message.MessageType;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.testing.Buffer;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a guest asks all the time must not keep the collector busy. */
class NoGarbageTest {
  @TempDir private Path temporary;

  /** A file that reads and writes as much as it is asked for. */
  private static final class FrugalFile implements OpenFile {
    @Override
    public long read(IoVector target, long offset) {
      return target.remainingBytes();
    }

    @Override
    public long write(IoVector source, long offset) {
      return source.remainingBytes();
    }

    @Override
    public long append(IoVector source) {
      return source.remainingBytes();
    }

    @Override
    public int attributes(FileAttributes attributes) {
      return 0;
    }

    @Override
    public int sync(boolean dataOnly) {
      return 0;
    }

    @Override
    public int allocate(int mode, long offset, long length) {
      return 0;
    }

    @Override
    public long seek(long offset, boolean hole) {
      return offset;
    }

    @Override
    public long copyTo(long offset, OpenFile target, long targetOffset, long length) {
      return length;
    }

    @Override
    public void close() {}
  }

  /** A tree whose files are such; nothing else of it is called where it is measured. */
  private static FileTree frugal(FileTree tree) {
    return (FileTree)
        Proxy.newProxyInstance(
            FileTree.class.getClassLoader(),
            new Class<?>[] {FileTree.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("open")) {
                ((OpenResult) arguments[3]).set(new FrugalFile());
                return 0;
              }
              return method.invoke(tree, arguments);
            });
  }

  @Test
  void readWriteGetattrAndFsyncAllocateNothing() throws Exception {
    Files.writeString(temporary.resolve("f"), "");
    FileTree tree = frugal(new JavaTree("t", temporary));
    Virtio9p device = new Virtio9p("t", tree, SharePolicy.writable());
    try (P9Driver guest = new P9Driver(device).mounted()) {
      guest.walk(P9Driver.ROOT, 100_000, "f").ok();
      guest.lopen(100_000, 2).ok();
      Body io = new Body().u32(100_000).u64(0).u32(4096);
      assertEquals(0, allocated(guest, MessageType.TREAD, io));
      assertEquals(0, allocated(guest, MessageType.TWRITE, io.raw(new byte[4096])));
      Body fid = new Body().u32(100_000).u64(0);
      assertEquals(0, allocated(guest, MessageType.TGETATTR, fid));
      assertEquals(0, allocated(guest, MessageType.TFSYNC, fid));
    }
  }

  /** Bytes for a request, once classes are loaded and code is compiled. */
  private static long allocated(P9Driver guest, MessageType type, Body body) throws Exception {
    byte[] bytes = body.bytes();
    guest.put(type.number(), 7 + bytes.length, bytes);
    DescriptorChain chain =
        guest.chain(
            Buffer.out(P9Driver.REQUEST, 7 + bytes.length),
            Buffer.in(P9Driver.REPLY, 11),
            Buffer.in(P9Driver.REPLY + 11, 4096));
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
