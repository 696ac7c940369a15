// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.host.HostTree;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The device as the file system of this host: its kernel's FUSE client asks over /dev/fuse what a
 * guest's driver asks over a queue. So suites with hundreds of thousands of processes need no
 * guest. Of a reply the kernel checks what it checks in a guest, and more: its length to the byte.
 */
final class HostMount {
  private static final Logger LOG = LoggerFactory.getLogger(HostMount.class);
  private static final int THREADS = 4;
  private static final int QUEUE_SIZE = 1024;
  private static final long RINGS = 0x1000;
  private static final long REQUEST = 2 << 20;
  private static final long REPLY = 8 << 20;
  private static final int RAM = 16 << 20;

  /** fuse_in_header; offsets in the structures behind it, which say how much is wanted. */
  private static final int HEADER = 40;

  private static final int READ_SIZE = HEADER + 16;
  private static final int XATTR_SIZE = HEADER;
  private static final int IOCTL_OUT_SIZE = HEADER + 28;

  private static final int REPLY_HEADER = 16;
  private static final int IOCTL_REPLY = 16;
  private static final int PATH_MAX = 4096;

  /** More than any structure that is a whole reply. */
  private static final int LARGEST_REPLY = 256;

  private final FileInputStream requests = new FileInputStream(FileDescriptor.in);
  private final FileOutputStream replies = new FileOutputStream(FileDescriptor.in);
  private final VirtioFs device;

  private HostMount(FileTree tree) {
    device = new VirtioFs("host", tree, SharePolicy.writable(), THREADS);
  }

  /**
   * Serves a directory, by java.nio if there is a second argument, on /dev/fuse until unmounted.
   */
  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]);
    HostMount mount =
        new HostMount(
            arguments.length > 1
                ? new JavaTree("host", directory)
                : new HostTree("host", directory));
    List<Thread> threads = new ArrayList<>();
    for (int i = 1; i <= THREADS; i++) {
      int queue = i; // 0 is for requests of high priority
      threads.add(new Thread(() -> mount.serve(queue), "queue-" + i));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    mount.device.close();
  }

  private void serve(int index) {
    try {
      GuestMemory memory = GuestMemory.allocate(RAM);
      SplitRingDriver ring = new SplitRingDriver(memory, QUEUE_SIZE, RINGS);
      Virtqueue queue = ring.device();
      DescriptorChain chain = queue.newChain();
      RequestHandler handler = HandlerAccess.of(device, index, queue, 0);
      ByteBuffer bytes = ByteBuffer.allocate(FuseRequest.MAX_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
      while (true) {
        int length = requests.read(bytes.array());
        memory.write(REQUEST, bytes.array(), 0, length);
        int opcode = bytes.getInt(4);
        FuseOpcode known = FuseOpcode.of(opcode);
        boolean isForget = known != null && known.isForget();
        ring.add(buffers(length, isForget ? 0 : REPLY_HEADER + room(known, bytes)));
        if (!queue.poll(chain)) {
          throw new IllegalStateException("the queue is empty");
        }
        int answered = (int) handler.process(chain);
        queue.addUsed(chain.head(), answered);
        if (!isForget) {
          memory.read(REPLY, bytes.array(), 0, answered);
          reply(opcode, bytes.array(), answered);
        }
      }
    } catch (IOException e) {
      return; // unmounted
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private void reply(int opcode, byte[] bytes, int length) {
    try {
      replies.write(bytes, 0, length);
    } catch (IOException e) {
      // ENOENT of a request that was interrupted; EINVAL of a reply that is wrong.
      LOG.warn("the kernel refuses the reply to {}: {}", opcode, e.getMessage());
    }
  }

  private static Buffer[] buffers(int length, int room) {
    List<Buffer> buffers = new ArrayList<>();
    buffers.add(Buffer.out(REQUEST, HEADER));
    if (length > HEADER) {
      buffers.add(Buffer.out(REQUEST + HEADER, length - HEADER));
    }
    if (room > 0) {
      buffers.add(Buffer.in(REPLY, room));
    }
    return buffers.toArray(Buffer[]::new);
  }

  /** What a guest's driver has room for behind the reply's header. */
  private static int room(FuseOpcode opcode, ByteBuffer request) {
    if (opcode == null) {
      return LARGEST_REPLY;
    }
    return switch (opcode) {
      case READ, READDIR, READDIRPLUS -> request.getInt(READ_SIZE);
      case GETXATTR, LISTXATTR -> Math.max(Long.BYTES, request.getInt(XATTR_SIZE));
      case READLINK -> PATH_MAX;
      case IOCTL -> IOCTL_REPLY + request.getInt(IOCTL_OUT_SIZE);
      default -> LARGEST_REPLY;
    };
  }
}
