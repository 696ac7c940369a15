// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import java.io.OutputStream;
import java.lang.ref.Reference;
import java.util.Objects;

/**
 * Writes to a descriptor that stays open: a failure tells its error number, which one of Java's own
 * streams has in the C library's words only, and those depend on the locale. Where the descriptor
 * is in non-blocking mode, as whoever has it too may have set it, a write waits all the same. For
 * one thread at a time.
 */
public final class FdOutputStream extends OutputStream {
  private static final int BUFFER_BYTES = 64 << 10;
  private static final int FOR_EVER = -1;

  private final int fd;
  private final String name;
  private final NativeMemory buffer = new NativeMemory(BUFFER_BYTES);
  private final PollSet room = new PollSet(1);

  /**
   * A stream.
   *
   * @param fd has to be open for writing as long as this is used
   * @param name what it is, for messages: "standard output"
   */
  public FdOutputStream(int fd, String name) {
    this.fd = fd;
    this.name = name;
    room.watch(0, fd, PollSet.WRITABLE);
  }

  @Override
  public void write(int value) throws LinuxException {
    buffer.buffer().put(0, (byte) value);
    writeBuffer(1);
  }

  /**
   * Writes all of it.
   *
   * @throws LinuxException with the error number, such as EPIPE for a pipe that nobody reads; how
   *     much was written before is not told
   */
  @Override
  public void write(byte[] bytes, int from, int length) throws LinuxException {
    Objects.checkFromIndexSize(from, length, bytes.length);
    for (int done = 0; done < length; ) {
      int piece = Math.min(length - done, BUFFER_BYTES);
      buffer.buffer().put(0, bytes, from + done, piece);
      writeBuffer(piece);
      done += piece;
    }
  }

  /**
   * Asks what the host could not do with what was written, as {@link Fd#closeWritten} does. The
   * descriptor stays open.
   *
   * @throws LinuxException naming the stream
   */
  @Override
  public void close() throws LinuxException {
    Fd.duplicate(fd, name).closeWritten(name);
  }

  private void writeBuffer(int count) throws LinuxException {
    try {
      for (int done = 0; done < count; ) {
        long result = FileIo.write(fd, buffer.address() + done, count - done);
        if (result == -Errno.EAGAIN) {
          room.poll(FOR_EVER);
        } else if (result < 0) {
          throw new LinuxException("write to " + name, (int) -result);
        } else {
          done += (int) result;
        }
      }
    } finally {
      Reference.reachabilityFence(this);
    }
  }
}
