// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.frame;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.testing.TcpFrame;
import io.jkvm.devices.network.testing.TestFrames;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SoftwareOffloadTest {
  private static final int CWR = 0x80;

  private final SoftwareOffload offload = new SoftwareOffload();
  private final List<byte[]> out = new ArrayList<>();
  private final SoftwareOffload.Output keep =
      frame -> {
        assertEquals(Offload.NONE, frame.header().offloads());
        return out.add(TestFrames.bytes(frame));
      };

  @ParameterizedTest
  @ValueSource(strings = {TestFrames.TCP4, TestFrames.TCP6, TestFrames.UDP4, TestFrames.UDP6})
  void theChecksumOfLinuxVerifiesAndAnyFlippedByteDoesNot(String hex) {
    Frame frame = TestFrames.hex(hex);
    assertTrue(SoftwareOffload.checksumValid(frame));
    int ip = 14;
    boolean ipv4 = frame.bytes().getUnsignedByte(frame.bytes().readerIndex() + ip) == 0x45;
    int covered = ipv4 ? ip + 20 : ip + 40;
    for (int i = covered; i < frame.length(); i++) {
      int at = frame.bytes().readerIndex() + i;
      frame.bytes().setByte(at, frame.bytes().getByte(at) ^ 0x10);
      assertFalse(SoftwareOffload.checksumValid(frame), "byte " + i);
      frame.bytes().setByte(at, frame.bytes().getByte(at) ^ 0x10);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {TestFrames.TCP4, TestFrames.TCP6, TestFrames.UDP4, TestFrames.UDP6})
  void computesTheChecksumThatLinuxComputes(String hex) {
    Frame frame = TestFrames.hex(hex);
    final byte[] expected = TestFrames.bytes(frame);
    boolean ipv4 = expected[14] == 0x45;
    int start = ipv4 ? 34 : 54;
    boolean udp = expected[ipv4 ? 23 : 20] == 17;
    int offset = udp ? 6 : 16;
    // What a driver leaves in the field: the sum over the pseudo header.
    byte[] pseudo = TestFrames.slice(expected, ipv4 ? 26 : 22, ipv4 ? 8 : 32);
    int sum = TestFrames.slowSum(pseudo) + (udp ? 17 : 6) + expected.length - start;
    int field = frame.bytes().readerIndex() + start + offset;
    frame.bytes().setShort(field, sum % 0xffff);
    frame.header().needChecksum(start, offset);
    final byte[] before = TestFrames.bytes(frame);

    assertTrue(offload.finish(frame, Offload.NONE, keep));
    assertArrayEquals(expected, out.get(0));
    assertArrayEquals(before, TestFrames.bytes(frame), "the given frame is not changed");
    assertTrue(frame.header().needsChecksum());
  }

  @Test
  void whatIsAcceptedPassesAsItIs() {
    Frame frame = new TcpFrame().build();
    SoftwareOffload.Output same =
        given -> {
          assertSame(frame, given);
          return true;
        };
    assertTrue(offload.finish(frame, Offload.CSUM | Offload.TSO4, same));
    frame.header().segment(VnetHeader.GSO_NONE, 0, 0);
    assertTrue(offload.finish(frame, Offload.CSUM, same));
    frame.header().clear();
    assertTrue(offload.finish(frame, Offload.NONE, same));
  }

  @Test
  void aReceiverThatTakesChecksumsIsToldThatTheyAreRight() {
    SoftwareOffload.Output valid =
        given -> {
          assertEquals(VnetHeader.F_DATA_VALID, given.header().flags());
          return out.add(TestFrames.bytes(given));
        };
    Frame frame = new TcpFrame().build();
    assertTrue(offload.finish(frame, Offload.CSUM, valid));
    assertEquals(4, out.size());
    assertTrue(offload.finish(frame, Offload.CSUM | Offload.TSO6, valid));
    assertEquals(8, out.size());
  }

  @Test
  void udpChecksumOfZeroIsSentAsOnes() {
    Frame frame = TestFrames.hex(TestFrames.UDP4);
    int udp = frame.bytes().readerIndex() + 34;
    frame.bytes().setZero(udp, frame.length() - 34);
    frame.bytes().setShort(udp, 0xffff);
    frame.header().needChecksum(34, 6);
    assertTrue(offload.finish(frame, Offload.NONE, keep));
    assertEquals(0xffff, TestFrames.u16(out.get(0), 40));
  }

  @Test
  void segmentsAreTheFrameCutUp() {
    Random random = new Random(1);
    for (int i = 0; i < 2000; i++) {
      TcpFrame tcp = new TcpFrame();
      tcp.ipv6 = random.nextBoolean();
      tcp.tags = random.nextInt(3);
      tcp.ipExtra = random.nextInt(6) * 8;
      tcp.tcpOptions = random.nextInt(11) * 4;
      tcp.flags = random.nextInt(256);
      tcp.payload = random.nextInt(i % 10 == 0 ? 65300 : 3000);
      tcp.gsoSize = 8 + random.nextInt(i % 10 == 0 ? 9000 : 1500);
      tcp.seed = random.nextInt(256);
      tcp.ecn = random.nextBoolean();
      checkSegments(tcp);
    }
  }

  private void checkSegments(TcpFrame tcp) {
    int payload = tcp.payload;
    int gsoSize = tcp.gsoSize;
    Frame frame = tcp.build();
    byte[] before = TestFrames.bytes(frame);

    assertTrue(offload.finish(frame, Offload.NONE, keep));
    assertArrayEquals(before, TestFrames.bytes(frame));
    assertEquals(Math.max(1, (payload + gsoSize - 1) / gsoSize), out.size());
    int done = 0;
    for (int i = 0; i < out.size(); i++) {
      checkSegment(tcp, out.get(i), i, done, i == out.size() - 1);
      done += out.get(i).length - tcp.headers();
    }
    assertEquals(payload, done);
    out.clear();
  }

  private static void checkSegment(TcpFrame tcp, byte[] bytes, int index, int done, boolean last) {
    assertTrue(TestFrames.verifies(bytes, tcp.ip(), tcp.tcp(), 6));
    assertTrue(SoftwareOffload.checksumValid(TestFrames.of(bytes)));
    int part = bytes.length - tcp.headers();
    assertTrue(last ? part <= tcp.gsoSize : part == tcp.gsoSize);
    for (int i = 0; i < part; i++) {
      assertEquals(tcp.payloadByte(done + i), bytes[tcp.headers() + i]);
    }
    if (tcp.ipv6) {
      assertEquals(bytes.length - tcp.ip() - 40, TestFrames.u16(bytes, tcp.ip() + 4));
    } else {
      assertEquals(bytes.length - tcp.ip(), TestFrames.u16(bytes, tcp.ip() + 2));
      assertEquals((0xfffe + index) & 0xffff, TestFrames.u16(bytes, tcp.ip() + 4));
      byte[] header = TestFrames.slice(bytes, tcp.ip(), 20 + tcp.ipExtra);
      assertEquals(0xffff, TestFrames.slowSum(header));
    }
    int sequence =
        TestFrames.u16(bytes, tcp.tcp() + 4) << 16 | TestFrames.u16(bytes, tcp.tcp() + 6);
    assertEquals(0xfffffff0 + done, sequence);
    int flags = index == 0 ? tcp.flags : tcp.flags & ~CWR;
    assertEquals(last ? flags : flags & ~9, bytes[tcp.tcp() + 13] & 0xff);
  }

  @Test
  void aRefusedFirstSegmentLeavesTheFrameToTheCallerALaterOneIsLost() {
    Frame frame = new TcpFrame().build();
    int[] room = {0};
    SoftwareOffload.Output limited = given -> room[0]-- > 0 && keep.accept(given);
    assertFalse(offload.finish(frame, Offload.NONE, limited));
    assertFalse(offload.malformed());
    room[0] = 2;
    assertTrue(offload.finish(frame, Offload.NONE, limited));
    assertEquals(2, out.size());
  }

  @Test
  void scratchIsNotTheGivenFrame() {
    Frame frame = new TcpFrame().build();
    assertTrue(
        offload.finish(
            frame,
            Offload.NONE,
            given -> {
              assertNotSame(frame, given);
              assertEquals(Frame.HEADROOM_BYTES, given.bytes().readerIndex());
              return true;
            }));
  }
}
