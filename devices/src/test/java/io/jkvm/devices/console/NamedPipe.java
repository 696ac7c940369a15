// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.PollSet;
import java.io.IOException;
import java.nio.file.Path;

/** Both ends of a FIFO: what standard output is in {@code jkvm run | something}. */
final class NamedPipe implements AutoCloseable {
  private static final int O_WRONLY = 1;
  private static final int FIONREAD = 0x541b;

  final Fd readEnd;
  final Fd writeEnd;
  private final NativeMemory buffer = new NativeMemory(8192);

  NamedPipe(Path directory) throws IOException, InterruptedException {
    Path path = directory.resolve("fifo");
    if (new ProcessBuilder("mkfifo", path.toString()).start().waitFor() != 0) {
      throw new IOException("mkfifo " + path);
    }
    readEnd = Fd.open(path.toString(), Libc.O_RDONLY | Libc.O_NONBLOCK);
    writeEnd = Fd.open(path.toString(), O_WRONLY);
  }

  /** Whether a writer would have to wait. */
  boolean isFull() {
    PollSet room = new PollSet(1);
    room.watch(0, writeEnd.value(), PollSet.WRITABLE);
    return room.poll(0) == 0;
  }

  /** How much was written and not read yet. */
  int unreadBytes() {
    Libc.ioctl(readEnd.value(), FIONREAD, buffer.address());
    return buffer.buffer().getInt(0);
  }

  /** Reads what is there, up to {@code max} bytes; an empty array if nothing is. */
  byte[] read(int max) throws LinuxException {
    long count = Libc.read(readEnd.value(), buffer.address(), Math.min(max, 8192));
    byte[] bytes = new byte[(int) Math.max(0, count)];
    buffer.buffer().get(0, bytes);
    return bytes;
  }

  @Override
  public void close() {
    readEnd.close();
    writeEnd.close();
  }
}
