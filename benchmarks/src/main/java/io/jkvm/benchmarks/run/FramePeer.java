// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * The other side of the machines' network cards: takes frames from a stream socket, each behind its
 * length in four bytes, big-endian, and sends those back that ask for it (guest-images/bench). One
 * machine after the other connects.
 */
public final class FramePeer implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 20;
  private static final int MOST_BYTES = 65_536;
  private static final int LENGTH_BYTES = 4;

  /** Of a frame: the byte behind the Ethernet header is 1 if it is to come back. */
  private static final int ECHO_AT = 14;

  private static final int WAIT_SECONDS = 60;

  private final ServerSocketChannel listener;
  private final Thread thread;
  private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER_BYTES);
  private final ByteBuffer out = ByteBuffer.allocateDirect(BUFFER_BYTES);

  /** Guarded by this. */
  private long received;

  /** Listens at a path where there is nothing yet. */
  public FramePeer(Path socket) throws IOException {
    listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(socket));
    thread = new Thread(this::acceptAll, "frame-peer");
    thread.setDaemon(true);
    thread.start();
  }

  private void acceptAll() {
    while (listener.isOpen()) {
      try (SocketChannel machine = listener.accept()) {
        serve(machine);
      } catch (IOException e) {
        // The machine has ended, or we have.
      }
    }
  }

  private void serve(SocketChannel machine) throws IOException {
    in.clear();
    out.clear(); // of a machine that ended while it was sent something
    while (machine.read(in) >= 0) {
      in.flip();
      int frames = 0;
      for (int length; in.remaining() >= LENGTH_BYTES; frames++) {
        length = in.getInt(in.position());
        if (length <= ECHO_AT || length > MOST_BYTES) {
          throw new IOException("a frame of " + length + " bytes");
        }
        if (in.remaining() < LENGTH_BYTES + length) {
          break;
        }
        if (in.get(in.position() + LENGTH_BYTES + ECHO_AT) == 1) {
          sendBack(machine, LENGTH_BYTES + length);
        }
        in.position(in.position() + LENGTH_BYTES + length);
      }
      in.compact();
      flush(machine);
      count(frames);
    }
  }

  private void sendBack(SocketChannel machine, int bytes) throws IOException {
    if (out.remaining() < bytes) {
      flush(machine);
    }
    out.put(out.position(), in, in.position(), bytes);
    out.position(out.position() + bytes);
  }

  private void flush(SocketChannel machine) throws IOException {
    out.flip();
    while (out.hasRemaining()) {
      machine.write(out);
    }
    out.clear();
  }

  private synchronized void count(int frames) {
    received += frames;
    notifyAll();
  }

  /** Waits until so many frames have come since the last call returned. */
  synchronized void await(long frames) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    while (received < frames) {
      if (System.nanoTime() - deadline > 0) {
        throw new IOException(received + " of " + frames + " frames have come");
      }
      TimeUnit.SECONDS.timedWait(this, 1);
    }
    received = 0;
  }

  @Override
  public void close() throws IOException {
    listener.close();
    thread.interrupt();
  }
}
