// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.net;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.PollSet;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A stream socket of the local host (unix(7)). Receiving and accepting block, sending does not. One
 * thread may receive while another one sends. {@link #shutdown} ends both and may be called by any
 * thread; {@link #close} must come after the last of them, because the descriptor's number may then
 * be another file's.
 */
public final class UnixSocket implements AutoCloseable {
  /** The longest path in bytes of UTF-8: sun_path less its NUL. */
  public static final int MAX_PATH_BYTES = 107;

  private static final int FAMILY_BYTES = 2;

  private final Fd fd;
  private final PollSet room = new PollSet(1);

  private UnixSocket(Fd fd) {
    this.fd = fd;
    room.watch(0, fd.value(), PollSet.WRITABLE);
  }

  /**
   * Connects to a listening socket; never waits for its turn.
   *
   * @throws LinuxException EAGAIN if the listener has too many connections it has not yet accepted
   */
  public static UnixSocket connect(String path) throws LinuxException {
    NativeMemory address = address("connect " + path, path);
    Fd fd = open(Libc.SOCK_NONBLOCK);
    try {
      LinuxException.check(
          "connect " + path,
          Libc.connect(fd.value(), address.address(), address.buffer().capacity()));
      Reference.reachabilityFence(address);
      LinuxException.check("fcntl F_SETFL", Libc.fcntl(fd.value(), Libc.F_SETFL, Libc.O_RDWR));
      return new UnixSocket(fd);
    } catch (LinuxException e) {
      fd.close();
      throw e;
    }
  }

  /**
   * Makes a socket file and listens on it.
   *
   * @throws LinuxException EADDRINUSE if there is a file of that name, whatever it is
   */
  public static UnixSocket listen(String path, int backlog) throws LinuxException {
    NativeMemory address = address("bind " + path, path);
    Fd fd = open(0);
    try {
      LinuxException.check(
          "bind " + path, Libc.bind(fd.value(), address.address(), address.buffer().capacity()));
      Reference.reachabilityFence(address);
      LinuxException.check("listen " + path, Libc.listen(fd.value(), backlog));
      return new UnixSocket(fd);
    } catch (LinuxException e) {
      fd.close();
      throw e;
    }
  }

  /** Two sockets connected to each other. */
  public static UnixSocket[] pair() throws LinuxException {
    NativeMemory fds = new NativeMemory(8);
    LinuxException.check(
        "socketpair",
        Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0, fds.address()));
    return new UnixSocket[] {
      new UnixSocket(new Fd(fds.buffer().getInt(0))), new UnixSocket(new Fd(fds.buffer().getInt(4)))
    };
  }

  private static Fd open(int flags) throws LinuxException {
    int type = Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC | flags;
    return new Fd(LinuxException.check("socket", Libc.socket(Libc.AF_UNIX, type, 0)));
  }

  /** A struct sockaddr_un; an empty path or one with a NUL would mean something else. */
  private static NativeMemory address(String call, String path) throws LinuxException {
    byte[] utf8 = path.getBytes(StandardCharsets.UTF_8);
    if (utf8.length == 0 || path.indexOf('\0') >= 0) {
      throw new LinuxException(call, Errno.EINVAL);
    }
    if (utf8.length > MAX_PATH_BYTES) {
      throw new LinuxException(
          call + " (" + utf8.length + " bytes, " + MAX_PATH_BYTES + " are the most for a socket)",
          Errno.ENAMETOOLONG);
    }
    NativeMemory address = new NativeMemory(FAMILY_BYTES + utf8.length + 1);
    ByteBuffer bytes = address.buffer();
    bytes.putShort(0, (short) Libc.AF_UNIX).put(FAMILY_BYTES, utf8);
    return address;
  }

  /**
   * Waits for a connection to a listening socket.
   *
   * @throws LinuxException EINVAL after {@link #shutdown}
   */
  public UnixSocket accept() throws LinuxException {
    while (true) {
      int connection = Libc.accept4(fd.value(), 0, 0, Libc.SOCK_CLOEXEC);
      if (connection >= 0) {
        return new UnixSocket(new Fd(connection));
      }
      if (Libc.errno() != Errno.EINTR) {
        throw LinuxException.last("accept");
      }
    }
  }

  /** Asks for room for so many bytes in each direction; the kernel gives what it allows. */
  public void bufferBytes(int bytes) {
    NativeMemory value = new NativeMemory(4);
    value.buffer().putInt(0, bytes);
    Libc.setsockopt(fd.value(), Libc.SOL_SOCKET, Libc.SO_SNDBUF, value.address(), 4);
    Libc.setsockopt(fd.value(), Libc.SOL_SOCKET, Libc.SO_RCVBUF, value.address(), 4);
    Reference.reachabilityFence(value);
  }

  /**
   * Waits for bytes.
   *
   * @return how many came, 0 at the end, or a negative error number
   */
  public long receive(long address, long count) {
    while (true) {
      long received = Libc.read(fd.value(), address, count);
      if (received >= 0) {
        return received;
      }
      int errno = Libc.errno();
      if (errno != Errno.EINTR) {
        return -errno;
      }
    }
  }

  /**
   * Sends as much as there is room for. No signal is raised when the peer is gone.
   *
   * @return how many bytes were taken, or a negative error number: -EAGAIN if there is no room
   */
  public long send(long address, long count) {
    while (true) {
      long sent = Libc.send(fd.value(), address, count, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
      if (sent >= 0) {
        return sent;
      }
      int errno = Libc.errno();
      if (errno != Errno.EINTR) {
        return -errno;
      }
    }
  }

  /**
   * Waits until there is room to send, or an error to learn of. By the sending thread only.
   *
   * @param timeoutMilliseconds how long at most
   * @return false when the time ran out
   */
  public boolean awaitRoom(int timeoutMilliseconds) {
    return room.poll(timeoutMilliseconds) > 0;
  }

  /** Ends the connection or the listening; whoever waits in a call of this object returns. */
  public void shutdown() {
    Libc.shutdown(fd.value(), Libc.SHUT_RDWR);
  }

  @Override
  public void close() {
    fd.close();
  }
}
