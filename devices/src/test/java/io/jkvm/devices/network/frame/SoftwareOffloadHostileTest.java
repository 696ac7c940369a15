// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.frame;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.testing.TcpFrame;
import io.jkvm.devices.network.testing.TestFrames;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class SoftwareOffloadHostileTest {
  private final SoftwareOffload offload = new SoftwareOffload();
  private int count;
  private final SoftwareOffload.Output counter =
      frame -> {
        count++;
        return frame.length() <= Frame.MAX_BYTES;
      };

  private void dropped(Frame frame) {
    count = 0;
    assertFalse(offload.finish(frame, Offload.NONE, counter));
    assertTrue(offload.malformed());
    assertEquals(0, count);
  }

  /** Breaks one thing of a frame that could be cut; it must be dropped then. */
  private void droppedWhen(TcpFrame tcp, Consumer<Frame> damage) {
    Frame frame = tcp.build();
    assertTrue(offload.finish(frame, Offload.NONE, counter));
    damage.accept(frame);
    dropped(frame);
  }

  private static Consumer<Frame> set(int offset, int value) {
    return frame -> frame.bytes().setByte(frame.bytes().readerIndex() + offset, value);
  }

  private static Consumer<Frame> cutTo(int length) {
    return frame -> frame.bytes().writerIndex(frame.bytes().readerIndex() + length);
  }

  @Test
  void lyingIpv4HeadersAreDropped() {
    TcpFrame tcp = new TcpFrame();
    droppedWhen(tcp, set(14, 0x44));
    droppedWhen(tcp, set(14, 0x4f));
    droppedWhen(tcp, set(14, 0x65));
    droppedWhen(tcp, set(20, 0x20));
    droppedWhen(tcp, set(21, 1));
    droppedWhen(tcp, set(23, 17));
    droppedWhen(tcp, set(12, 0x86));
    droppedWhen(tcp, cutTo(33));
    droppedWhen(tcp, cutTo(14));
    droppedWhen(tcp, cutTo(0));
  }

  @Test
  void lyingIpv6HeadersAreDropped() {
    TcpFrame tcp = new TcpFrame();
    tcp.ipv6 = true;
    tcp.ipExtra = 8;
    droppedWhen(tcp, set(14, 0x45));
    droppedWhen(tcp, set(20, 44));
    droppedWhen(tcp, set(54, 17));
    droppedWhen(tcp, set(54, 60));
    droppedWhen(tcp, set(55, 255));
    droppedWhen(
        tcp,
        frame -> {
          set(20, 43).accept(frame);
          set(57, 1).accept(frame);
        });
    droppedWhen(tcp, cutTo(53));
    droppedWhen(tcp, cutTo(60));
  }

  @Test
  void lyingTcpHeadersAreDropped() {
    TcpFrame tcp = new TcpFrame();
    droppedWhen(tcp, set(34 + 12, 0x40));
    tcp.payload = 39;
    tcp.gsoSize = 8;
    droppedWhen(tcp, set(34 + 12, 0xf0));
    droppedWhen(tcp, cutTo(53));
  }

  @Test
  void lyingVnetHeadersAreDropped() {
    TcpFrame tcp = new TcpFrame();
    droppedWhen(tcp, frame -> frame.header().needChecksum(35, 16));
    droppedWhen(tcp, frame -> frame.header().needChecksum(34, 6));
    droppedWhen(tcp, frame -> frame.header().needChecksum(0xffff, 0xffff));
    droppedWhen(tcp, frame -> frame.header().segment(VnetHeader.GSO_TCPV6, 54, 1448));
    droppedWhen(tcp, frame -> frame.header().segment(VnetHeader.GSO_UDP, 54, 1448));
    droppedWhen(tcp, frame -> frame.header().segment(2, 54, 1448));
    droppedWhen(tcp, frame -> frame.header().segment(VnetHeader.GSO_TCPV4, 54, 0));
    droppedWhen(tcp, frame -> frame.header().segment(VnetHeader.GSO_TCPV4, 54, 7));
    droppedWhen(tcp, frame -> frame.header().segment(VnetHeader.GSO_TCPV4, 54, 0xffff));
    droppedWhen(tcp, frame -> frame.header().segment(VnetHeader.GSO_TCPV4, 0xffff, 1448));
  }

  @Test
  void theNumberOfSegmentsIsBounded() {
    TcpFrame tcp = new TcpFrame();
    tcp.payload = 65000;
    tcp.gsoSize = SoftwareOffload.MIN_SEGMENT_BYTES;
    assertTrue(offload.finish(tcp.build(), Offload.NONE, counter));
    assertEquals(8125, count);
  }

  @Test
  void onlyCompleteTcpAndUdpCountAsValid() {
    Frame frame = TestFrames.hex(TestFrames.UDP4);
    assertTrue(SoftwareOffload.checksumValid(frame));
    frame.header().needChecksum(34, 6);
    assertFalse(SoftwareOffload.checksumValid(frame), "not complete");
    frame.header().clear();
    set(40, 0).andThen(set(41, 0)).accept(frame);
    assertFalse(SoftwareOffload.checksumValid(frame), "no checksum");
    frame = TestFrames.hex(TestFrames.UDP4);
    set(20, 0x20).accept(frame);
    assertFalse(SoftwareOffload.checksumValid(frame), "fragment");
    frame = TestFrames.hex(TestFrames.UDP4);
    set(17, 0x22).accept(frame);
    assertFalse(SoftwareOffload.checksumValid(frame), "longer than the frame");
    assertFalse(SoftwareOffload.checksumValid(new Frame()), "empty");
    frame = TestFrames.hex(TestFrames.TCP4 + "00".repeat(20));
    assertTrue(SoftwareOffload.checksumValid(frame), "padding does not count");
  }

  @Test
  void garbageNeverThrowsAndIsNotChanged() {
    Random random = new Random(1);
    for (int i = 0; i < 20000; i++) {
      byte[] bytes = new byte[random.nextInt(200)];
      byte[] header = new byte[VnetHeader.BYTES];
      random.nextBytes(bytes);
      random.nextBytes(header);
      header[0] &= 3;
      header[1] &= (byte) 0x87;
      header[7] = 0;
      header[9] = 0;
      finishUnchanged(TestFrames.of(bytes), header, random.nextInt(32));
    }
  }

  @Test
  void almostRightFramesNeverThrow() {
    for (int i = 0; i < 20000; i++) {
      almostRight(new Random(i));
    }
  }

  private void almostRight(Random random) {
    TcpFrame tcp = new TcpFrame();
    tcp.ipv6 = random.nextBoolean();
    tcp.tags = random.nextInt(3);
    tcp.ipExtra = 8 * random.nextInt(4);
    tcp.payload = random.nextInt(200);
    tcp.gsoSize = 8 + random.nextInt(100);
    Frame frame = tcp.build();
    byte[] header = new byte[VnetHeader.BYTES];
    frame.header().write(ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN), 0, 0);
    for (int i = random.nextInt(4); i >= 0; i--) {
      set(random.nextInt(tcp.headers()), random.nextInt()).accept(frame);
    }
    if (random.nextInt(3) == 0) {
      header[random.nextInt(10)] = (byte) random.nextInt();
    }
    if (random.nextInt(3) == 0) {
      cutTo(random.nextInt(frame.length() + 1)).accept(frame);
    }
    finishUnchanged(frame, header, random.nextInt(32));
  }

  private void finishUnchanged(Frame frame, byte[] header, int accepted) {
    frame.header().read(ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN), 0);
    byte[] before = TestFrames.bytes(frame);
    offload.finish(
        frame,
        accepted,
        given -> {
          assertEquals(0, given.header().offloads() & ~accepted);
          assertTrue(given.length() <= frame.length());
          return true;
        });
    SoftwareOffload.checksumValid(frame);
    frame.header().clear();
    SoftwareOffload.checksumValid(frame);
    assertArrayEquals(before, TestFrames.bytes(frame));
  }
}
