// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.host.HostTree;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The device for a 9P client that is not a guest of ours: its messages come over TCP, from this
 * host or from a guest of another hypervisor, which is quicker where KVM interprets the guest's
 * kernel.
 */
final class TcpServer {
  private static final Logger LOG = LoggerFactory.getLogger(TcpServer.class);
  private static final int RAM = 16 << 20;
  private static final int QUEUE_SIZE = 256;
  private static final long RINGS = 0x1000;
  private static final long REQUEST = 2 << 20;
  private static final long REPLY = 8 << 20;
  private static final int LARGEST_MESSAGE = 1 << 20;

  private TcpServer() {}

  /** Serves a directory on a port of 127.0.0.1, by java.nio if there is a third argument. */
  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]);
    int port = Integer.parseInt(arguments[1]);
    try (ServerSocket server = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      while (true) {
        try (Socket client = server.accept()) {
          client.setTcpNoDelay(true);
          serve(
              arguments.length > 2
                  ? new JavaTree("tcp", directory)
                  : new HostTree("tcp", directory),
              client);
        } catch (IOException e) {
          LOG.info("the client has gone: {}", e.getMessage());
        }
      }
    }
  }

  private static void serve(FileTree tree, Socket client) throws Exception {
    Virtio9p device = new Virtio9p("tcp", tree, SharePolicy.writable());
    try {
      GuestMemory memory = GuestMemory.allocate(RAM);
      SplitRingDriver ring = new SplitRingDriver(memory, QUEUE_SIZE, RINGS);
      Virtqueue queue = ring.device();
      DescriptorChain chain = queue.newChain();
      RequestHandler handler = HandlerAccess.of(device, 0, queue, 0);
      DataInputStream requests =
          new DataInputStream(new BufferedInputStream(client.getInputStream(), LARGEST_MESSAGE));
      OutputStream replies = client.getOutputStream();
      ByteBuffer bytes = ByteBuffer.allocate(LARGEST_MESSAGE).order(ByteOrder.LITTLE_ENDIAN);
      while (true) {
        requests.readFully(bytes.array(), 0, Integer.BYTES);
        int length = bytes.getInt(0);
        requests.readFully(bytes.array(), Integer.BYTES, length - Integer.BYTES);
        memory.write(REQUEST, bytes.array(), 0, length);
        ring.add(Buffer.out(REQUEST, length), Buffer.in(REPLY, LARGEST_MESSAGE));
        if (!queue.poll(chain)) {
          throw new IllegalStateException("the queue is empty");
        }
        int answered = (int) handler.process(chain);
        queue.addUsed(chain.head(), answered);
        memory.read(REPLY, bytes.array(), 0, answered);
        replies.write(bytes.array(), 0, answered);
      }
    } finally {
      device.close();
    }
  }
}
