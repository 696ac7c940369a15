// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.devices.network.testing.TestFrames;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

class InternetChecksumTest {
  @Test
  void agreesWithTheExampleOfRfc1071() {
    ByteBuffer memory = direct(HexFormat.of().parseHex("0001f203f4f5f6f7"), 0);
    assertEquals(0xddf2, InternetChecksum.sum(memory, 0, 8));
    assertEquals(0x220d, InternetChecksum.complement(0xddf2));
  }

  @Test
  void agreesWithAWellKnownIpHeader() {
    byte[] header = HexFormat.of().parseHex("450000730000400040110000c0a80001c0a800c7");
    assertEquals(
        0xb861, InternetChecksum.complement(InternetChecksum.sum(direct(header, 0), 0, 20)));
  }

  @Test
  void carriesOutOfAMaximalFrameAreKept() {
    byte[] ones = new byte[65535];
    Arrays.fill(ones, (byte) 0xff);
    assertEquals(0xff00, InternetChecksum.sum(direct(ones, 3), 3, 65535));
    assertEquals(0xffff, InternetChecksum.sum(direct(ones, 3), 3, 65534));
  }

  @Test
  void nothingSumsToZeroAndZeroIsSentAsOnes() {
    assertEquals(0, InternetChecksum.sum(direct(new byte[100], 0), 50, 0));
    assertEquals(0, InternetChecksum.sum(direct(new byte[100], 0), 0, 99));
    assertEquals(0xffff, InternetChecksum.complement(0xffff));
    assertEquals(0xffff, InternetChecksum.complement(0));
  }

  @Test
  void agreesWithTheSumWordByWordAtAnyAlignmentAndLength() {
    Random random = new Random(1);
    for (int i = 0; i < 20000; i++) {
      byte[] bytes = new byte[random.nextInt(300)];
      random.nextBytes(bytes);
      int start = random.nextInt(18);
      ByteBuffer memory = direct(bytes, start);
      int expected = TestFrames.slowSum(bytes);
      assertEquals(expected, InternetChecksum.sum(memory, start, bytes.length), "case " + i);

      int even = random.nextInt(bytes.length + 1) & ~1;
      int first = InternetChecksum.sum(memory, start, even);
      int second = InternetChecksum.sum(memory, start + even, bytes.length - even);
      assertEquals(expected, InternetChecksum.fold(first + second), "parts of case " + i);
    }
  }

  private static ByteBuffer direct(byte[] bytes, int start) {
    ByteBuffer memory = ByteBuffer.allocateDirect(start + bytes.length + 1);
    for (int i = 0; i < memory.capacity(); i++) {
      memory.put(i, (byte) 0xa5);
    }
    return memory.put(start, bytes);
  }
}
