// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * The bytes of a regular file while it is open: one channel for all who have it open, since some
 * file systems have each channel work on a copy. For any thread.
 */
final class JavaContent {
  private static final int BUFFER_BYTES = 64 << 10;

  // Guarded by this.
  private SeekableByteChannel channel;
  private boolean readable;
  private boolean writable;
  private int users;

  /**
   * Has one more user.
   *
   * @param path where the file is; null if it has no name any more
   */
  synchronized void open(Path path, boolean forReading, boolean forWriting) throws IOException {
    boolean wantsRead = forReading && !readable;
    boolean wantsWrite = forWriting && !writable;
    if (channel == null || wantsRead || wantsWrite) {
      if (path == null) {
        throw new AccessDeniedException("a file without a name");
      }
      reopen(path, forReading || readable, forWriting || writable);
    }
    users++;
  }

  private void reopen(Path path, boolean forReading, boolean forWriting) throws IOException {
    SeekableByteChannel before = channel;
    if (before != null && writable) {
      before.close(); // or the new one might not have what was written
      channel = null;
    }
    if (forWriting) {
      try {
        channel = channel(path, Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
        readable = true;
      } catch (AccessDeniedException e) {
        if (forReading) {
          throw e;
        }
        channel = channel(path, Set.of(StandardOpenOption.WRITE));
        readable = false;
      }
      writable = true;
    } else {
      channel = channel(path, Set.of(StandardOpenOption.READ));
      readable = true;
    }
    if (before != null && before.isOpen()) {
      before.close();
    }
  }

  private static SeekableByteChannel channel(Path path, Set<? extends OpenOption> options)
      throws IOException {
    try {
      return FileChannel.open(path, options);
    } catch (UnsupportedOperationException e) {
      return Files.newByteChannel(path, options);
    }
  }

  /** Has one user less; the last one closes it. */
  synchronized void close() throws IOException {
    users--;
    if (users == 0) {
      SeekableByteChannel last = channel;
      channel = null;
      readable = false;
      writable = false;
      if (last != null) {
        last.close();
      }
    }
  }

  /**
   * The file is about to lose its name: a channel that works on a copy would give it back when it
   * is closed, so the bytes go to a temporary file of the host's.
   */
  synchronized void detach() throws IOException {
    if (channel == null) {
      return;
    }
    Path temporary = Files.createTempFile("jkvm-unlinked", null);
    FileChannel copy =
        FileChannel.open(
            temporary,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE);
    SeekableByteChannel before = channel;
    channel = copy;
    ByteBuffer bytes = buffer(BUFFER_BYTES);
    before.position(0);
    while (before.read(bytes) > 0) {
      writeAll(bytes.flip(), copy.size());
      bytes.clear();
    }
    before.close();
  }

  /** The file is about to get another name: what was written goes where it is. */
  synchronized void suspend() throws IOException {
    if (channel != null) {
      channel.close();
      channel = null;
    }
  }

  /** It has the name now. */
  synchronized void resume(Path path) throws IOException {
    if (users > 0 && channel == null) {
      reopen(path, readable, writable);
    }
  }

  /** The length in bytes; -1 if it is not open. */
  synchronized long size() throws IOException {
    return channel == null ? -1 : channel.size();
  }

  private SeekableByteChannel channel() throws IOException {
    if (channel == null) {
      throw new IOException("the file could not be opened again");
    }
    return channel;
  }

  /** Garbage, since a guest may have very many files open and each would keep one. */
  private static ByteBuffer buffer(long most) {
    return ByteBuffer.allocate((int) Math.min(BUFFER_BYTES, most));
  }

  /** The caller's ranges are its own: what is drained and filled are these. */
  private static IoVector copyOf(IoVector ranges) {
    IoVector copy = new IoVector(Math.max(ranges.count(), 1));
    copy.addAll(ranges);
    return copy;
  }

  /** Reads as much as one buffer has; 0 at the end. */
  synchronized int read(IoVector target, long offset) throws IOException {
    if (offset >= channel().size()) {
      return 0; // no file system has to take any offset
    }
    ByteBuffer bytes = buffer(target.remainingBytes());
    int count = channel().position(offset).read(bytes);
    if (count <= 0) {
      return 0;
    }
    copyOf(target).fill(bytes.flip());
    return count;
  }

  /** Writes as much as one buffer takes. */
  synchronized int write(IoVector source, long offset) throws IOException {
    ByteBuffer bytes = buffer(source.remainingBytes());
    copyOf(source).drain(bytes);
    bytes.flip();
    int count = bytes.remaining();
    writeAll(bytes, offset);
    return count;
  }

  /** The same at the end. */
  synchronized int append(IoVector source) throws IOException {
    return write(source, channel().size());
  }

  private void writeAll(ByteBuffer bytes, long offset) throws IOException {
    channel().position(offset);
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Becomes longer, with zeroes, or shorter. */
  synchronized void truncate(long length) throws IOException {
    long now = channel().size();
    if (length < now) {
      channel.truncate(length);
    } else if (length > now) {
      writeAll(buffer(1).put(0, (byte) 0), length - 1);
    }
  }

  /** Becomes as long as this, if it is shorter. */
  synchronized void extend(long length) throws IOException {
    if (length > channel().size()) {
      truncate(length);
    }
  }

  synchronized void force(boolean dataOnly) throws IOException {
    if (channel instanceof FileChannel && writable) {
      ((FileChannel) channel).force(!dataOnly);
    }
  }

  /** Takes bytes out; returns how many came, 0 at the end. */
  synchronized int get(ByteBuffer target, long offset) throws IOException {
    return offset >= channel().size() ? 0 : channel.position(offset).read(target);
  }

  /** Puts bytes in. */
  synchronized int put(ByteBuffer source, long offset) throws IOException {
    int count = source.remaining();
    writeAll(source, offset);
    return count;
  }

  /** Where data or a hole begins: all that is inside is data. */
  synchronized long seek(long offset, boolean hole) throws IOException {
    long end = channel().size();
    if (offset >= end) {
      return -Errno.ENXIO;
    }
    return hole ? end : offset;
  }
}
