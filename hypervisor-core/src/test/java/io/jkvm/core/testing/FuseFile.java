// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * A file of this host that a test carries out: a FUSE file system whose root is a regular file, so
 * that what any engine does reaches the test, io_uring's requests too, and so that the test can
 * answer what no medium at hand answers. Nothing of it is in the page cache. Needs root.
 */
public final class FuseFile implements AutoCloseable {
  /** What the file does. Called by the file's threads, several at once if there are several. */
  public interface Content {
    /** The length in bytes. */
    long length();

    /**
     * Reads.
     *
     * @param target is filled from its beginning, whole or in part
     * @return how many bytes were read, or an errno negated
     */
    int read(long offset, ByteBuffer target);

    /**
     * Writes.
     *
     * @return how many bytes were written, or an errno negated
     */
    int write(long offset, ByteBuffer source);

    /**
     * Makes what was written durable.
     *
     * @return 0, or an errno negated
     */
    int fsync();
  }

  private static final long MOUNT = 165;
  private static final long UMOUNT2 = 166;
  private static final int MS_NOSUID_NODEV = 6;
  private static final int MNT_DETACH = 2;

  private static final int HEADER = 40;
  private static final int REPLY_HEADER = 16;
  private static final int MAX_DATA = 1 << 20;

  // include/uapi/linux/fuse.h
  private static final int FORGET = 2;
  private static final int GETATTR = 3;
  private static final int SETATTR = 4;
  private static final int OPEN = 14;
  private static final int READ = 15;
  private static final int WRITE = 16;
  private static final int STATFS = 17;
  private static final int RELEASE = 18;
  private static final int FSYNC = 20;
  private static final int FLUSH = 25;
  private static final int INIT = 26;
  private static final int INTERRUPT = 36;
  private static final int DESTROY = 38;
  private static final int BATCH_FORGET = 42;
  private static final int IO_BODY = 40;
  private static final int INIT_BYTES = 64;
  private static final int ATTRIBUTES_BYTES = 104;
  private static final int OPEN_BYTES = 16;
  private static final int STATISTICS_BYTES = 80;
  private static final int FUSE_ASYNC_READ_BIG_WRITES = 0x21;
  private static final int FUSE_ASYNC_DIO = 1 << 15;
  private static final int FUSE_MAX_PAGES = 1 << 22;
  private static final int FOPEN_DIRECT_IO_PARALLEL = 0x41;
  private static final int S_IFREG_RW = 0x8180;

  private final Content content;
  private final Path path;
  private final Fd device;
  private final List<Thread> threads = new ArrayList<>();

  /**
   * Puts the file in the place of an empty one.
   *
   * @param path where there is nothing yet
   * @param threads which carry requests out; with one of them each is over before the next begins
   */
  public FuseFile(Path path, Content content, int threads) throws IOException {
    Assumptions.assumeTrue(Libc.geteuid() == 0, "mount(2) needs root");
    Assumptions.assumeTrue(Files.exists(Path.of("/dev/fuse")), "this host has no /dev/fuse");
    this.content = content;
    this.path = Files.createFile(path);
    device = Fd.open("/dev/fuse", Fd.READ_WRITE);
    mount();
    for (int i = 0; i < threads; i++) {
      Thread thread = new Thread(this::serve, "fuse-file-" + i);
      thread.setDaemon(true);
      thread.start();
      this.threads.add(thread);
    }
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  private static NativeMemory string(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    NativeMemory memory = new NativeMemory(bytes.length + 1);
    memory.buffer().put(0, bytes);
    return memory;
  }

  private void mount() throws LinuxException {
    NativeMemory target = string(path.toString());
    NativeMemory type = string("fuse");
    NativeMemory options = string("fd=" + device.value() + ",rootmode=100000,user_id=0,group_id=0");
    LinuxException.check(
        "mount " + path,
        (int)
            Libc.syscall(
                MOUNT,
                type.address(),
                target.address(),
                type.address(),
                MS_NOSUID_NODEV,
                options.address(),
                0));
    Reference.reachabilityFence(target);
    Reference.reachabilityFence(options);
  }

  private void serve() {
    NativeMemory request = new NativeMemory(HEADER + IO_BODY + MAX_DATA);
    NativeMemory reply = new NativeMemory(REPLY_HEADER + MAX_DATA);
    while (true) {
      int fd;
      try {
        fd = device.value();
      } catch (IllegalStateException e) {
        return;
      }
      long length = FileIo.read(fd, request.address(), request.buffer().capacity());
      if (length == -Errno.ENOENT || length == -Errno.EAGAIN) {
        continue; // a request that was interrupted
      }
      if (length < HEADER) {
        return; // unmounted
      }
      int opcode = request.buffer().getInt(4);
      if (opcode == FORGET || opcode == BATCH_FORGET || opcode == INTERRUPT) {
        continue;
      }
      int result = answer(opcode, request.buffer(), (int) length, reply.buffer());
      reply.buffer().putInt(0, REPLY_HEADER + Math.max(result, 0));
      reply.buffer().putInt(4, Math.min(result, 0));
      reply.buffer().putLong(8, request.buffer().getLong(8));
      FileIo.write(fd, reply.address(), REPLY_HEADER + Math.max(result, 0));
      if (opcode == DESTROY) {
        return;
      }
    }
  }

  /** How many bytes are behind the reply's header, or an errno negated. */
  private int answer(int opcode, ByteBuffer request, int length, ByteBuffer reply) {
    return switch (opcode) {
      case INIT -> {
        fill(reply, INIT_BYTES);
        reply.putInt(REPLY_HEADER, 7).putInt(REPLY_HEADER + 4, 31);
        reply.putInt(
            REPLY_HEADER + 12, FUSE_ASYNC_READ_BIG_WRITES | FUSE_ASYNC_DIO | FUSE_MAX_PAGES);
        reply.putShort(REPLY_HEADER + 16, (short) 64).putShort(REPLY_HEADER + 18, (short) 64);
        reply.putInt(REPLY_HEADER + 20, MAX_DATA).putInt(REPLY_HEADER + 24, 1);
        reply.putShort(REPLY_HEADER + 28, (short) (MAX_DATA / 4096));
        yield INIT_BYTES;
      }
      case GETATTR, SETATTR -> attributes(reply);
      case OPEN -> {
        fill(reply, OPEN_BYTES);
        reply.putInt(REPLY_HEADER + 8, FOPEN_DIRECT_IO_PARALLEL);
        yield OPEN_BYTES;
      }
      case READ -> {
        int size = Math.min(request.getInt(HEADER + 16), MAX_DATA);
        yield content.read(request.getLong(HEADER + 8), slice(reply, REPLY_HEADER, size));
      }
      case WRITE -> {
        int behind = HEADER + IO_BODY;
        int written =
            content.write(request.getLong(HEADER + 8), slice(request, behind, length - behind));
        reply.putInt(REPLY_HEADER, written).putInt(REPLY_HEADER + 4, 0);
        yield written < 0 ? written : 8;
      }
      case FSYNC -> content.fsync();
      case STATFS -> fill(reply, STATISTICS_BYTES);
      case RELEASE, FLUSH, DESTROY -> 0;
      default -> -Errno.ENOSYS;
    };
  }

  private static ByteBuffer slice(ByteBuffer of, int from, int length) {
    return of.slice(from, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static int fill(ByteBuffer reply, int length) {
    reply.put(REPLY_HEADER, new byte[length]);
    return length;
  }

  private int attributes(ByteBuffer reply) {
    fill(reply, ATTRIBUTES_BYTES);
    int at = REPLY_HEADER + 16;
    reply.putLong(at, 1).putLong(at + 8, content.length());
    reply.putInt(at + 60, S_IFREG_RW).putInt(at + 64, 1).putInt(at + 80, 4096);
    return ATTRIBUTES_BYTES;
  }

  @Override
  public void close() {
    NativeMemory target = string(path.toString());
    Libc.syscall(UMOUNT2, target.address(), MNT_DETACH, 0, 0, 0, 0);
    Reference.reachabilityFence(target);
    for (Thread thread : threads) {
      try {
        thread.join(120_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    device.close();
  }
}
