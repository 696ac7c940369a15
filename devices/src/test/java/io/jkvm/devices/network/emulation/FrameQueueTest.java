// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.emulation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.VnetHeader;
import io.jkvm.devices.network.testing.TestFrames;
import java.util.ArrayDeque;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FrameQueueTest {
  private static final long SECOND = 1_000_000_000L;

  @Test
  void behavesLikeAQueueAcrossTheEndOfItsMemory() {
    FrameQueue queue = new FrameQueue(7, 1000);
    ArrayDeque<byte[]> model = new ArrayDeque<>();
    Random random = new Random(1);
    Frame out = new Frame();
    int refused = 0;
    for (int step = 0; step < 100_000; step++) {
      if (random.nextBoolean()) {
        byte[] bytes = new byte[random.nextInt(random.nextInt(20) == 0 ? 1100 : 200)];
        random.nextBytes(bytes);
        int used = model.stream().mapToInt(b -> b.length).sum();
        boolean room = model.size() < 7 && used + bytes.length <= 1000;
        assertEquals(room, queue.hasRoom(bytes.length));
        refused += room ? 0 : 1;
        if (room) {
          Frame frame = TestFrames.of(bytes);
          frame.header().needChecksum(step & 0xffff, 3);
          queue.add(step, frame, step);
          model.add(bytes);
        }
      } else if (!model.isEmpty()) {
        long due = queue.firstDue();
        assertEquals(due, queue.remove(out));
        assertArrayEquals(model.remove(), TestFrames.bytes(out));
        assertEquals((int) due & 0xffff, out.header().checksumStart());
      }
      assertEquals(model.isEmpty(), queue.isEmpty());
    }
    assertTrue(refused > 1000);
  }

  @Test
  void framesToBeCutCountWithTheHeadersOfAllSegments() {
    Frame frame = TestFrames.numbered(1, 2, 3, 54 + 14480);
    assertEquals(54 + 14480, TokenBucket.wireBytes(frame));
    frame.header().segment(VnetHeader.GSO_TCPV4, 54, 1448);
    assertEquals(10 * (54 + 1448), TokenBucket.wireBytes(frame));
    frame.header().segment(VnetHeader.GSO_TCPV4, 54, 14480);
    assertEquals(54 + 14480, TokenBucket.wireBytes(frame));
  }

  @Test
  void headersThatLieNeitherOverflowNorStopTheClock() {
    Frame frame = TestFrames.numbered(1, 2, 3, 65000);
    TokenBucket bucket = new TokenBucket(1, 0);
    for (int size : new int[] {0, 1, 0xffff}) {
      for (int headers : new int[] {0, 1, 0xffff}) {
        frame.header().segment(VnetHeader.GSO_UDP, headers, size);
        assertTrue(TokenBucket.wireBytes(frame) >= 65000);
        assertTrue(TokenBucket.wireBytes(frame) < 20_000_000);
      }
    }
    long last = 0;
    for (int i = 0; i < 4000; i++) {
      long leave = bucket.leave(frame, i);
      assertTrue(leave >= last);
      last = leave;
    }
    assertFalse(bucket.leave(frame, last + 3601 * SECOND) > last + 3601 * SECOND);
  }

  @Test
  void bucketLetsTheRateThroughAndABurstAfterAPause() {
    Frame frame = TestFrames.numbered(1, 2, 3, 1250);
    TokenBucket bucket = new TokenBucket(10_000_000, 0);
    // A frame takes a millisecond; five milliseconds' worth may go at once.
    long[] expected = {0, 0, 0, 0, 0, 0, 1, 2, 3};
    for (long milliseconds : expected) {
      assertEquals(milliseconds * 1_000_000, bucket.leave(frame, 0));
    }
    for (long milliseconds : expected) {
      assertEquals(SECOND + milliseconds * 1_000_000, bucket.leave(frame, SECOND));
    }
    assertEquals(7, new TokenBucket(0, 0).leave(frame, 7));
  }
}
