// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import java.io.IOException;

/**
 * A network behind a Unix socket on which somebody else listens: another machine's {@link
 * StreamListener}, or QEMU's {@code -netdev stream,server=on}. When the peer goes the link is down
 * and a connection is tried every second, for ever.
 */
public final class StreamBackend implements NetworkBackend {
  private static final int PAUSE_MILLISECONDS = 1000;

  private final String name;
  private final StreamConnection connection;

  /**
   * To a peer that may be anything: it gets whole frames with checksums, of any size.
   *
   * @param name for logs and threads
   * @param path the socket's file
   */
  public StreamBackend(String name, String path) {
    this.name = name;
    connection = new StreamConnection(name, () -> connect(path), PAUSE_MILLISECONDS);
  }

  private static UnixSocket connect(String path) throws IOException {
    try {
      return UnixSocket.connect(path);
    } catch (LinuxException e) {
      throw new IOException(e.getMessage() + advice(e.errno()), e);
    }
  }

  private static String advice(int errno) {
    switch (errno) {
      case Errno.ENOENT:
      case Errno.ECONNREFUSED:
        return "; start the program that listens there first";
      case Errno.EACCES:
        return "; ask its owner for permission to read and write it";
      case Errno.EAGAIN:
        return "; too many connections wait there to be accepted";
      default:
        return "";
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void start(NetworkCard card) throws IOException {
    connection.start(card);
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    return connection.transmit(frame);
  }

  @Override
  public void close() {
    connection.close();
  }
}
