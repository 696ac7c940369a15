// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.passt.PasstBackend;
import java.io.IOException;
import java.util.OptionalInt;

/**
 * A network behind a Unix socket on which somebody else listens: another machine's {@link
 * StreamListener}, QEMU's {@code -netdev stream,server=on}, or a running passt. When the peer goes
 * the link is down and a connection is tried every second, for ever.
 */
public final class StreamBackend implements NetworkBackend {
  private static final int PAUSE_MILLISECONDS = 1000;

  private final String name;
  private final OptionalInt mtu;
  private final int offloads;
  private final int maxFrameBytes;
  private final StreamConnection connection;

  /**
   * To a peer that may be anything: it gets whole frames with checksums, of any size.
   *
   * @param name for logs and threads
   * @param path the socket's file
   */
  public StreamBackend(String name, String path) {
    this(name, path, OptionalInt.empty(), Offload.NONE, Frame.MAX_BYTES);
  }

  private StreamBackend(
      String name, String path, OptionalInt mtu, int offloads, int maxFrameBytes) {
    this.name = name;
    this.mtu = mtu;
    this.offloads = offloads;
    this.maxFrameBytes = maxFrameBytes;
    connection = new StreamConnection(name, () -> connect(path), PAUSE_MILLISECONDS);
  }

  /** To a passt that somebody else started: with its offloads and limits ({@link PasstBackend}). */
  public static StreamBackend toPasst(String name, String path) {
    return new StreamBackend(
        name,
        path,
        OptionalInt.of(PasstBackend.MTU_BYTES),
        PasstBackend.OFFLOADS,
        PasstBackend.MAX_FRAME_BYTES);
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
        return "; start the one who listens there first";
      case Errno.EACCES:
        return "; ask its owner for leave to read and write it";
      case Errno.EAGAIN:
        return "; who listens there accepts no connections";
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
    return frame.length() <= maxFrameBytes && connection.transmit(frame);
  }

  @Override
  public int transmitOffloads() {
    return offloads;
  }

  @Override
  public OptionalInt mtu() {
    return mtu;
  }

  @Override
  public void close() {
    connection.close();
  }
}
