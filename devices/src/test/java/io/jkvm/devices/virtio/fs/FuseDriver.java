// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Makes requests as Linux does and lets the device serve them on the calling thread. Of every reply
 * it checks what Linux 7.1 checks: the used length is that of the header, 16 or more, the request's
 * number is repeated, and nothing is written beyond.
 */
final class FuseDriver implements AutoCloseable {
  static final int RAM = 16 << 20;
  static final int INIT_FLAGS = 0x7bff_fffb;
  static final int LOOKUP = 1;
  static final int FORGET = 2;
  static final int GETATTR = 3;
  static final int SETATTR = 4;
  static final int READLINK = 5;
  static final int SYMLINK = 6;
  static final int MKNOD = 8;
  static final int MKDIR = 9;
  static final int UNLINK = 10;
  static final int RMDIR = 11;
  static final int RENAME = 12;
  static final int LINK = 13;
  static final int OPEN = 14;
  static final int READ = 15;
  static final int WRITE = 16;
  static final int STATFS = 17;
  static final int RELEASE = 18;
  static final int FSYNC = 20;
  static final int SETXATTR = 21;
  static final int GETXATTR = 22;
  static final int LISTXATTR = 23;
  static final int REMOVEXATTR = 24;
  static final int INIT = 26;
  static final int OPENDIR = 27;
  static final int READDIR = 28;
  static final int RELEASEDIR = 29;
  static final int FSYNCDIR = 30;
  static final int CREATE = 35;
  static final int DESTROY = 38;
  static final int IOCTL = 39;
  static final int BATCH_FORGET = 42;
  static final int FALLOCATE = 43;
  static final int READDIRPLUS = 44;
  static final int RENAME2 = 45;
  static final int LSEEK = 46;
  static final int COPY_FILE_RANGE = 47;
  static final int SYNCFS = 50;

  /** FUSE_WRITE_CACHE: the guest writes pages of its cache. */
  static final int WRITE_CACHE = 1;

  /** Where requests and replies go. */
  static final long REQUEST = 4 << 20;

  static final long REPLY = 8 << 20;

  private static final byte UNTOUCHED = (byte) 0xa5;
  private static final int HEADER = 40;
  private static final int REPLY_HEADER = 16;

  final GuestMemory memory;
  final VirtioFs device;
  int uid;

  private final SplitRingDriver ring;
  private final Virtqueue queue;
  private final DescriptorChain chain;
  private final RequestHandler handler;
  private long unique = 0x1234_5678_9abc_def0L;

  FuseDriver(VirtioFs device) throws Exception {
    this(device, 1024);
  }

  FuseDriver(VirtioFs device, int queueSize) throws Exception {
    this.device = device;
    memory = GuestMemory.allocate(RAM);
    ring = new SplitRingDriver(memory, queueSize, 0x1000);
    queue = ring.device();
    chain = queue.newChain();
    handler = HandlerAccess.of(device, 1, queue, 0);
  }

  /** The same after INIT. */
  FuseDriver mounted() throws Exception {
    init(38, INIT_FLAGS).ok();
    return this;
  }

  @Override
  public void close() {
    device.close();
    memory.close();
  }

  Answer init(int minor, int flags) throws Exception {
    Body body = new Body().u32(7).u32(minor).u32(128 << 10).u32(flags);
    for (int i = 0; i < 12; i++) {
      body.u32(i == 0 ? 0x1ff : 0);
    }
    return request(INIT, 0, body, 64);
  }

  /** A request with room for so much payload, in as many buffers as Linux would use. */
  Answer request(int opcode, long node, Body body, int room) throws Exception {
    byte[] bytes = body.bytes();
    put(opcode, node, HEADER + bytes.length, bytes);
    List<Buffer> buffers = new ArrayList<>();
    buffers.add(Buffer.out(REQUEST, HEADER));
    if (bytes.length > 0) {
      buffers.add(Buffer.out(REQUEST + HEADER, bytes.length));
    }
    buffers.add(Buffer.in(REPLY, REPLY_HEADER));
    if (room > 0) {
      buffers.add(Buffer.in(REPLY + REPLY_HEADER, room));
    }
    return send(room, buffers);
  }

  Answer request(int opcode, long node, Body body) throws Exception {
    return request(opcode, node, body, 256);
  }

  /** Writes a request with any length in its header. */
  void put(int opcode, long node, int length, byte[] body) throws GuestFault {
    unique++;
    ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(length).putInt(opcode).putLong(unique).putLong(node);
    header.putInt(uid).putInt(uid).putInt(1).putInt(0);
    memory.write(REQUEST, header.array(), 0, HEADER);
    memory.write(REQUEST + HEADER, body, 0, body.length);
  }

  /** Sends buffers that hold a whole request and have room for a reply, in this order. */
  Answer send(int room, List<Buffer> buffers) throws Exception {
    int all = REPLY_HEADER + room;
    byte[] before = new byte[all + 64];
    Arrays.fill(before, UNTOUCHED);
    memory.write(REPLY, before, 0, before.length);
    int used = raw(buffers.toArray(Buffer[]::new));
    byte[] after = new byte[before.length];
    memory.read(REPLY, after, 0, after.length);
    ByteBuffer header = ByteBuffer.wrap(after).order(ByteOrder.LITTLE_ENDIAN);
    assertTrue(used >= REPLY_HEADER && used <= all, "used length " + used);
    assertEquals(used, header.getInt(0), "length in the header");
    assertEquals(unique, header.getLong(8), "number of the request");
    for (int i = used; i < after.length; i++) {
      assertEquals(UNTOUCHED, after[i], "byte " + i + " of a reply of " + used);
    }
    int error = header.getInt(4);
    assertTrue(error <= 0 && error > -1000, "error " + error);
    assertTrue(error == 0 || used == REPLY_HEADER, "an error with a payload");
    return new Answer(-error, Arrays.copyOfRange(after, REPLY_HEADER, used));
  }

  /** Any buffers; returns the used length. */
  int raw(Buffer... buffers) throws GuestFault, IOException {
    int head = ring.add(buffers);
    assertTrue(queue.poll(chain));
    queue.addUsed(chain.head(), handler.process(chain));
    assertEquals(head, ring.usedId(ring.usedIndex() - 1));
    return ring.usedLength(ring.usedIndex() - 1);
  }

  /** The same with an indirect table. */
  int rawIndirect(long table, Buffer... buffers) throws GuestFault, IOException {
    ring.addIndirect(table, buffers);
    assertTrue(queue.poll(chain));
    queue.addUsed(chain.head(), handler.process(chain));
    return ring.usedLength(ring.usedIndex() - 1);
  }

  /** What serves the queue, and a chain to give it, for a test that measures. */
  RequestHandler handler() {
    return handler;
  }

  /** A chain of these buffers that is not answered. */
  DescriptorChain chain(Buffer... buffers) throws GuestFault {
    ring.add(buffers);
    assertTrue(queue.poll(chain));
    return chain;
  }

  Answer lookup(long parent, String name) throws Exception {
    return request(LOOKUP, parent, new Body().name(name), 128);
  }

  /** Nothing comes back. */
  void forget(long node, long count) throws Exception {
    byte[] body = new Body().u64(count).bytes();
    put(FORGET, node, HEADER + body.length, body);
    assertEquals(0, raw(Buffer.out(REQUEST, HEADER + body.length)));
  }

  Answer getattr(long node) throws Exception {
    return request(GETATTR, node, new Body().u32(0).u32(0).u64(0), 104);
  }

  Answer create(long parent, String name, int flags, int mode) throws Exception {
    return request(CREATE, parent, new Body().u32(flags).u32(mode).u32(0).u32(0).name(name), 144);
  }

  Answer mkdir(long parent, String name) throws Exception {
    return request(MKDIR, parent, new Body().u32(0755).u32(0).name(name), 128);
  }

  Answer open(long node, int flags) throws Exception {
    return request(OPEN, node, new Body().u32(flags).u32(0), 16);
  }

  Answer opendir(long node) throws Exception {
    return request(OPENDIR, node, new Body().u32(0).u32(0), 16);
  }

  private static Body io(long handle, long offset, long size) {
    return new Body().u64(handle).u64(offset).u32(size).u32(0).u64(0).u32(0).u32(0);
  }

  Answer read(long node, long handle, long offset, int size) throws Exception {
    return read(node, handle, offset, size, size);
  }

  Answer read(long node, long handle, long offset, int size, int room) throws Exception {
    return request(READ, node, io(handle, offset, Integer.toUnsignedLong(size)), room);
  }

  Answer write(long node, long handle, long offset, byte[] data) throws Exception {
    return write(node, handle, offset, data, data.length);
  }

  Answer write(long node, long handle, long offset, byte[] data, int size) throws Exception {
    return request(WRITE, node, io(handle, offset, size).raw(data), 8);
  }

  /** With flags of the request and of the file. */
  Answer write(long node, long handle, long offset, byte[] data, int writeFlags, int openFlags)
      throws Exception {
    Body body = new Body().u64(handle).u64(offset).u32(data.length).u32(writeFlags).u64(0);
    return request(WRITE, node, body.u32(openFlags).u32(0).raw(data), 8);
  }

  Answer readdir(boolean plus, long node, long handle, long offset, int size) throws Exception {
    return request(plus ? READDIRPLUS : READDIR, node, io(handle, offset, size), size);
  }

  Answer release(int opcode, long node, long handle) throws Exception {
    return request(opcode, node, new Body().u64(handle).u32(0).u32(0).u64(0), 0);
  }

  Answer setattr(long node, int valid, long handle, long size, int mode) throws Exception {
    return request(SETATTR, node, setattrBody(valid, handle, size, mode, 0, 0, 0), 104);
  }

  static Body setattrBody(
      int valid, long handle, long size, int mode, long mtime, int mtimeNanos, int owner) {
    return new Body()
        .u32(valid)
        .u32(0)
        .u64(handle)
        .u64(size)
        .u64(0)
        .u64(mtime)
        .u64(mtime)
        .u64(0)
        .u32(mtimeNanos)
        .u32(mtimeNanos)
        .u32(0)
        .u32(mode)
        .u32(0)
        .u32(owner)
        .u32(owner)
        .u32(0);
  }

  Answer named(int opcode, long parent, String name) throws Exception {
    return request(opcode, parent, new Body().name(name), 128);
  }

  Answer rename(long parent, String name, long newParent, String newName, int flags)
      throws Exception {
    return request(
        RENAME2, parent, new Body().u64(newParent).u32(flags).u32(0).name(name).name(newName), 0);
  }

  Answer link(long node, long newParent, String newName) throws Exception {
    return request(LINK, newParent, new Body().u64(node).name(newName), 128);
  }
}
