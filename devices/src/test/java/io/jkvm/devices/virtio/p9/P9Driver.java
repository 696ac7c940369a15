// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.p9.message.MessageType;
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
 * it checks that the used length is that of the header, that type and tag are the request's, and
 * that nothing is written beyond.
 */
final class P9Driver implements AutoCloseable {
  static final int RAM = 16 << 20;
  static final int MSIZE = 512_000;
  static final int NO_FID = -1;

  /** The fid of the root after {@link #mounted}. */
  static final int ROOT = 0;

  /** Where requests and replies go. */
  static final long REQUEST = 4 << 20;

  static final long REPLY = 8 << 20;

  private static final byte UNTOUCHED = (byte) 0xa5;
  private static final int HEADER = 7;
  private static final int RLERROR = 7;

  final GuestMemory memory;
  final Virtio9p device;

  private final SplitRingDriver ring;
  private final Virtqueue queue;
  private final DescriptorChain chain;
  private final RequestHandler handler;
  private int tag = 0x1234;

  P9Driver(Virtio9p device) throws Exception {
    this.device = device;
    memory = GuestMemory.allocate(RAM);
    ring = new SplitRingDriver(memory, 256, 0x1000);
    queue = ring.device();
    chain = queue.newChain();
    handler = HandlerAccess.of(device, 0, queue, 1);
  }

  /** The same after TVERSION and TATTACH. */
  P9Driver mounted() throws Exception {
    version(MSIZE, "9P2000.L").ok();
    attach(ROOT, 0).ok(13);
    return this;
  }

  @Override
  public void close() {
    device.close();
    memory.close();
  }

  /** A request with room for so much payload, in as many buffers as Linux would use. */
  Answer request(MessageType type, Body body, int room) throws Exception {
    return request(type.number(), body, room);
  }

  Answer request(MessageType type, Body body) throws Exception {
    return request(type.number(), body, 4096 - HEADER);
  }

  Answer request(int type, Body body, int room) throws Exception {
    byte[] bytes = body.bytes();
    put(type, HEADER + bytes.length, bytes);
    List<Buffer> buffers = new ArrayList<>();
    int first = Math.min(16, bytes.length);
    buffers.add(Buffer.out(REQUEST, HEADER + first));
    if (bytes.length > first) {
      buffers.add(Buffer.out(REQUEST + HEADER + first, bytes.length - first));
    }
    buffers.add(Buffer.in(REPLY, Math.min(11, HEADER + room)));
    if (room > 4) {
      buffers.add(Buffer.in(REPLY + 11, room - 4));
    }
    return send(type, room, buffers);
  }

  /** Writes a request with any size in its header. */
  void put(int type, int size, byte[] body) throws GuestFault {
    tag = tag + 1 & 0xffff;
    ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(size).put((byte) type).putShort((short) tag);
    memory.write(REQUEST, header.array(), 0, HEADER);
    memory.write(REQUEST + HEADER, body, 0, body.length);
  }

  /** Sends buffers that hold a whole request and have room for a reply, in this order. */
  Answer send(int type, int room, List<Buffer> buffers) throws Exception {
    int all = HEADER + room;
    byte[] before = new byte[all + 64];
    Arrays.fill(before, UNTOUCHED);
    memory.write(REPLY, before, 0, before.length);
    int used = raw(buffers.toArray(Buffer[]::new));
    byte[] after = new byte[before.length];
    memory.read(REPLY, after, 0, after.length);
    ByteBuffer header = ByteBuffer.wrap(after).order(ByteOrder.LITTLE_ENDIAN);
    assertTrue(used >= HEADER && used <= all, "used length " + used);
    assertEquals(used, header.getInt(0), "size in the header");
    assertEquals(tag, header.getShort(5) & 0xffff, "tag of the request");
    int replyType = header.get(4) & 0xff;
    int error = replyType == RLERROR ? header.getInt(HEADER) : 0;
    if (replyType == RLERROR) {
      assertEquals(HEADER + 4, used, "size of RLERROR");
      assertTrue(error > 0 && error < 200, "error " + error);
    } else {
      assertEquals(type + 1, replyType, "type of the reply");
      for (int i = used; i < after.length; i++) {
        assertEquals(UNTOUCHED, after[i], "byte " + i + " of a reply of " + used);
      }
    }
    return new Answer(error, Arrays.copyOfRange(after, HEADER, used));
  }

  /** Any buffers; returns the used length. */
  int raw(Buffer... buffers) throws GuestFault, IOException {
    int head = ring.add(buffers);
    assertTrue(queue.poll(chain));
    queue.addUsed(chain.head(), handler.process(chain));
    assertEquals(head, ring.usedId(ring.usedIndex() - 1));
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

  Answer version(int msize, String version) throws Exception {
    return request(MessageType.TVERSION, new Body().u32(msize).string(version));
  }

  Answer attach(int fid, int uid) throws Exception {
    Body body = new Body().u32(fid).u32(NO_FID).string("user").string("/any").u32(uid);
    return request(MessageType.TATTACH, body);
  }

  Answer walk(int fid, int newFid, String... names) throws Exception {
    Body body = new Body().u32(fid).u32(newFid).u16(names.length);
    for (String name : names) {
      body.string(name);
    }
    return request(MessageType.TWALK, body);
  }

  Answer of(MessageType type, int fid) throws Exception {
    return request(type, new Body().u32(fid));
  }

  Answer clunk(int fid) throws Exception {
    return of(MessageType.TCLUNK, fid);
  }

  Answer lopen(int fid, int flags) throws Exception {
    return request(MessageType.TLOPEN, new Body().u32(fid).u32(flags));
  }

  Answer lcreate(int fid, String name, int flags, int mode) throws Exception {
    Body body = new Body().u32(fid).string(name).u32(flags).u32(mode).u32(0);
    return request(MessageType.TLCREATE, body);
  }

  /** Clones the root and makes a file there, open for reading and writing. */
  Answer create(int fid, String name) throws Exception {
    walk(ROOT, fid).ok(2);
    return lcreate(fid, name, 2, 0644);
  }

  Answer read(int fid, long offset, int size) throws Exception {
    return read(fid, offset, size, 4 + Math.max(0, Math.min(size, MSIZE - 11)));
  }

  Answer read(int fid, long offset, int size, int room) throws Exception {
    return request(MessageType.TREAD, new Body().u32(fid).u64(offset).u32(size), room);
  }

  Answer write(int fid, long offset, byte[] data) throws Exception {
    return write(fid, offset, data, data.length);
  }

  Answer write(int fid, long offset, byte[] data, int size) throws Exception {
    return request(MessageType.TWRITE, new Body().u32(fid).u64(offset).u32(size).raw(data));
  }

  Answer getattr(int fid) throws Exception {
    return request(MessageType.TGETATTR, new Body().u32(fid).u64(0x3fff));
  }

  Answer setattr(int fid, int valid, int mode, long size, long time, long nanos) throws Exception {
    Body body = new Body().u32(fid).u32(valid).u32(mode).u32(0).u32(0).u64(size);
    body.u64(time).u64(nanos).u64(time).u64(nanos);
    return request(MessageType.TSETATTR, body);
  }

  Answer readdir(int fid, long offset, int size) throws Exception {
    Body body = new Body().u32(fid).u64(offset).u32(size);
    return request(MessageType.TREADDIR, body, 4 + Math.max(0, Math.min(size, 1 << 19)));
  }

  Answer mkdir(int fid, String name) throws Exception {
    return request(MessageType.TMKDIR, new Body().u32(fid).string(name).u32(0755).u32(0));
  }

  Answer renameat(int fid, String name, int newFid, String newName) throws Exception {
    Body body = new Body().u32(fid).string(name).u32(newFid).string(newName);
    return request(MessageType.TRENAMEAT, body);
  }

  Answer rename(int fid, int newFid, String newName) throws Exception {
    return request(MessageType.TRENAME, new Body().u32(fid).u32(newFid).string(newName));
  }

  Answer unlinkat(int fid, String name, int flags) throws Exception {
    return request(MessageType.TUNLINKAT, new Body().u32(fid).string(name).u32(flags));
  }

  Answer xattrwalk(int fid, int newFid, String name) throws Exception {
    return request(MessageType.TXATTRWALK, new Body().u32(fid).u32(newFid).string(name));
  }

  Answer xattrcreate(int fid, String name, long size, int flags) throws Exception {
    Body body = new Body().u32(fid).string(name).u64(size).u32(flags);
    return request(MessageType.TXATTRCREATE, body);
  }

  Answer lock(int fid, int type, long start, long length, int process) throws Exception {
    Body body = new Body().u32(fid).u8(type).u32(1).u64(start).u64(length).u32(process);
    return request(MessageType.TLOCK, body.string("guest"));
  }

  Answer getlock(int fid, int type, long start, long length, int process) throws Exception {
    Body body = new Body().u32(fid).u8(type).u64(start).u64(length).u32(process);
    return request(MessageType.TGETLOCK, body.string("guest"));
  }
}
