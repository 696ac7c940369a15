// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.tap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * TCP between two hosts' kernels through two taps joined back to back: what one kernel leaves
 * undone on a frame the other one does.
 */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TapSegmentationTest {
  private static final int MEBIBYTES = 64;

  /** Gives what one tap receives to the other. */
  private static final class Cable implements NetworkCard {
    final AtomicInteger undone = new AtomicInteger();
    final AtomicInteger longest = new AtomicInteger();
    private final TapBackend to;

    Cable(TapBackend to) {
      this.to = to;
    }

    @Override
    public boolean receive(int queuePair, Frame frame) {
      undone.accumulateAndGet(frame.header().offloads(), (a, b) -> a | b);
      longest.accumulateAndGet(frame.length(), Math::max);
      assertTrue(frame.header().fits(frame.length()));
      if (frame.length() < 4096) {
        to.transmit(queuePair, frame);
      } else {
        to.transmitInPlace(queuePair, frame.header(), inThreePlaces(frame));
      }
      return true;
    }

    /** As a guest has it that puts the headers apart. */
    private static IoVector inThreePlaces(Frame frame) {
      long start = frame.address() + frame.bytes().readerIndex();
      IoVector places = new IoVector(3);
      places.add(start, 54);
      places.add(start + 54, 1001);
      places.add(start + 1055, frame.length() - 1055);
      return places;
    }

    @Override
    public void awaitRoom(int queuePair, int timeoutMilliseconds) {}

    @Override
    public void setLink(boolean up) {}
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "1, 1", "15, 1", "15, 4"})
  void largeTransfersArriveWhole(int offloads, int queues) throws Exception {
    try (HostNetwork left = new HostNetwork();
        HostNetwork right = new HostNetwork();
        TapBackend leftTap = left.openWithAddress(queues);
        TapBackend rightTap = right.open(queues)) {
      right.addAddress(HostNetwork.GUEST + "/24");
      Cable toRight = new Cable(rightTap);
      Cable toLeft = new Cable(leftTap);
      leftTap.start(toRight);
      rightTap.start(toLeft);
      leftTap.receiveOffloads(offloads);
      rightTap.receiveOffloads(offloads);
      assertTrue((leftTap.transmitOffloads() & Offload.SOFTWARE) == Offload.SOFTWARE);

      try (ServerSocket server = right.namespace.call(() -> new ServerSocket(5001))) {
        Future<byte[]> sentBack = right.namespace.submit(() -> serve(server));
        Future<byte[][]> client = left.namespace.submit(TapSegmentationTest::sendAndReceive);
        byte[][] digests = client.get();
        assertArrayEquals(sentBack.get(), digests[0], "what the server received");
        assertArrayEquals(digest(2), digests[1], "what the client received");
      }
      // ECN (8) only shows where the kernels negotiate it.
      int expected = offloads & (Offload.CSUM | Offload.TSO4);
      assertEquals(expected, toRight.undone.get() & ~Offload.ECN);
      assertEquals(expected, toLeft.undone.get() & ~Offload.ECN);
      boolean large = (offloads & Offload.TSO4) != 0;
      assertEquals(large, toRight.longest.get() > 1514, "longest " + toRight.longest);
      assertEquals(large, toLeft.longest.get() > 1514, "longest " + toLeft.longest);
    }
  }

  private static byte[][] sendAndReceive() throws Exception {
    try (Socket socket = new Socket(HostNetwork.GUEST, 5001)) {
      byte[] sent = send(socket.getOutputStream(), 1);
      socket.shutdownOutput();
      return new byte[][] {sent, receive(socket.getInputStream())};
    }
  }

  private static byte[] serve(ServerSocket server) throws Exception {
    try (Socket socket = server.accept()) {
      byte[] received = receive(socket.getInputStream());
      send(socket.getOutputStream(), 2);
      return received;
    }
  }

  private static byte[] digest(int seed) throws Exception {
    return send(OutputStream.nullOutputStream(), seed);
  }

  private static byte[] send(OutputStream to, int seed) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    byte[] block = new byte[1 << 20];
    Random random = new Random(seed);
    for (int i = 0; i < MEBIBYTES; i++) {
      random.nextBytes(block);
      digest.update(block);
      to.write(block);
    }
    return digest.digest();
  }

  private static byte[] receive(InputStream from) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    new DigestInputStream(from, digest).transferTo(OutputStream.nullOutputStream());
    return digest.digest();
  }
}
