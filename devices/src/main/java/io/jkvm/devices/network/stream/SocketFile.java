// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.net.UnixSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** A listening socket and its file, which is removed with it unless it is another one by then. */
final class SocketFile implements AutoCloseable {
  private static final int BACKLOG = 16;
  private static final int S_IFMT = 0170000;
  private static final int S_IFSOCK = 0140000;

  private final Path path;
  private final UnixSocket socket;
  private final Object fileKey;

  /**
   * Listens; the file of a socket that nobody listens on any more is replaced.
   *
   * @throws IOException one line: somebody else listens, or the file is something else
   */
  SocketFile(String path) throws IOException {
    this.path = Path.of(path);
    socket = listen(path);
    fileKey = key();
  }

  private UnixSocket listen(String name) throws IOException {
    try {
      return UnixSocket.listen(name, BACKLOG);
    } catch (LinuxException e) {
      switch (e.errno()) {
        case Errno.EADDRINUSE:
          checkStale(name);
          Files.deleteIfExists(path);
          return UnixSocket.listen(name, BACKLOG);
        case Errno.ENOENT:
          throw new IOException(e.getMessage() + "; make its directory first", e);
        case Errno.EACCES:
        case Errno.EROFS:
          throw new IOException(e.getMessage() + "; choose a directory you may write to", e);
        default:
          throw e;
      }
    }
  }

  private void checkStale(String name) throws IOException {
    // A device, too, is neither file nor directory, and to connect to it is refused alike.
    if ((mode() & S_IFMT) != S_IFSOCK) {
      throw new IOException(name + " is there already and is no socket; choose another name");
    }
    try {
      UnixSocket.connect(name).close();
    } catch (LinuxException e) {
      if (e.errno() == Errno.ECONNREFUSED) {
        return;
      }
      if (e.errno() != Errno.EAGAIN) {
        throw e;
      }
    }
    throw new IOException(name + " is already served; connect to it or choose another name");
  }

  private int mode() throws IOException {
    return (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
  }

  private Object key() {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
          .fileKey();
    } catch (IOException e) {
      return null;
    }
  }

  UnixSocket socket() {
    return socket;
  }

  /** After the last call of the socket. */
  @Override
  public void close() {
    if (fileKey != null && fileKey.equals(key())) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        // A stale file is replaced by whoever listens next.
        assert e != null;
      }
    }
    socket.close();
  }
}
