// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel.payload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.firmware.testing.KernelFiles;
import io.jkvm.firmware.testing.Payloads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class PayloadTest {
  private static final byte[] PLAIN = KernelFiles.elf(300_000);

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"UNKNOWN", "ABSENT", "ELF"})
  void unpacksEachFormat(PayloadFormat format) throws IOException {
    byte[] payload = Payloads.pack(format, PLAIN);
    assertEquals(format, PayloadFormat.of(ByteBuffer.wrap(payload)));
    assertArrayEquals(PLAIN, PayloadDecoder.decode(format, payload));
  }

  @Test
  void unpacksLz4OfSeveralBlocks() throws IOException {
    byte[] plain = KernelFiles.elf(20 << 20);
    byte[] payload = Payloads.pack(PayloadFormat.LZ4, plain);
    assertArrayEquals(plain, PayloadDecoder.decode(PayloadFormat.LZ4, payload));
  }

  @ParameterizedTest
  @CsvSource({
    "GZIP, gzip -n -9",
    "LZ4, lz4 -l -9",
    "ZSTD, zstd -22 --ultra",
    "XZ, xz --check=crc32 --x86 --lzma2=dict=128MiB",
    "XZ, xz --check=crc32 --x86 --lzma2=dict=32MiB",
    "BZIP2, bzip2 -9",
    "LZMA, lzma -9",
    "LZO, lzop -9",
    "LZO, lzop -1"
  })
  void unpacksWhatTheKernelsBuildMakes(PayloadFormat format, String command)
      throws IOException, InterruptedException {
    // More than the 8 MiB that the zstd decoder takes for a window, with references across it.
    byte[] plain = new byte[format == PayloadFormat.ZSTD ? 10 << 20 : 2 << 20];
    for (int at = 0; at < plain.length; at += PLAIN.length) {
      System.arraycopy(PLAIN, 0, plain, at, Math.min(PLAIN.length, plain.length - at));
    }
    byte[] far = new byte[1 << 20];
    new Random(4).nextBytes(far);
    System.arraycopy(far, 0, plain, 0, far.length);
    System.arraycopy(far, 0, plain, plain.length - far.length, far.length);
    byte[] packed = Payloads.command(folder, plain, command.split(" "));
    assumeTrue(packed != null, command + " is not installed");
    byte[] payload =
        format == PayloadFormat.GZIP ? packed : Payloads.withSize(packed, plain.length);
    assertEquals(format, PayloadFormat.of(ByteBuffer.wrap(payload)));
    assertArrayEquals(plain, PayloadDecoder.decode(format, payload));
  }

  @Test
  void unpacksZstdFramesWithAContentSizeAndASingleSegment() throws Exception {
    Path plain = Files.write(folder.resolve("vmlinux"), PLAIN);
    byte[] packed = Payloads.command(folder, new byte[0], "zstd", "-q", "-c", plain.toString());
    assumeTrue(packed != null, "zstd is not installed");
    assertTrue((packed[4] & 0x20) != 0, "the frame was to be a single segment");
    assertArrayEquals(
        PLAIN, PayloadDecoder.decode(PayloadFormat.ZSTD, Payloads.withSize(packed, PLAIN.length)));
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"UNKNOWN", "ABSENT", "ELF"})
  void refusesAWrongSize(PayloadFormat format) throws IOException {
    for (int wrong : new int[] {0, PLAIN.length - 1, PLAIN.length + 1}) {
      byte[] payload = Payloads.pack(format, PLAIN);
      setSize(payload, wrong);
      PayloadException e =
          assertThrows(PayloadException.class, () -> PayloadDecoder.decode(format, payload));
      assertOneLine(e);
    }
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"UNKNOWN", "ABSENT", "ELF"})
  void refusesASizeBeyondReasonBeforeItAllocatesThat(PayloadFormat format) throws IOException {
    for (int wrong : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 1 << 29}) {
      byte[] payload = Payloads.pack(format, PLAIN);
      setSize(payload, wrong);
      PayloadException e =
          assertThrows(PayloadException.class, () -> PayloadDecoder.decode(format, payload));
      assertTrue(e.getMessage().contains("claim to unpack"), e.getMessage());
    }
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"UNKNOWN", "ABSENT", "ELF"})
  void cutPayloadsAreRefused(PayloadFormat format) throws IOException {
    byte[] plain = KernelFiles.elf(20_000);
    byte[] whole = Payloads.pack(format, plain);
    for (int length = 9; length < whole.length - 4; length += 1 + length / 20) {
      byte[] packed = Arrays.copyOf(whole, length);
      byte[] payload = Payloads.withSize(packed, plain.length);
      assertThrows(
          PayloadException.class, () -> PayloadDecoder.decode(format, payload), "cut to " + length);
    }
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"UNKNOWN", "ABSENT", "ELF"})
  void damagedPayloadsNeverDoWorseThanAnError(PayloadFormat format) throws IOException {
    byte[] plain = KernelFiles.elf(20_000);
    byte[] whole = Payloads.pack(format, plain);
    Random random = new Random(format.ordinal());
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(60),
        () -> {
          for (int i = 0; i < 200; i++) {
            byte[] payload = whole.clone();
            int changes = 1 + random.nextInt(4);
            for (int k = 0; k < changes; k++) {
              // Half of them in the headers, where lengths are.
              int range = random.nextBoolean() ? 64 : payload.length - 4;
              payload[random.nextInt(range)] = (byte) random.nextInt();
            }
            try {
              PayloadDecoder.decode(format, payload);
            } catch (PayloadException e) {
              assertOneLine(e);
            }
          }
        });
  }

  @Test
  void aTinyPayloadIsDamaged() {
    for (PayloadFormat format : PayloadFormat.values()) {
      if (format.known() && format != PayloadFormat.ELF) {
        for (int length = 0; length < 12; length++) {
          byte[] payload = new byte[length];
          if (length >= 4) {
            setSize(payload, 100);
          }
          assertThrows(PayloadException.class, () -> PayloadDecoder.decode(format, payload));
        }
      }
    }
  }

  private static void setSize(byte[] payload, int size) {
    ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN).putInt(payload.length - 4, size);
  }

  private static void assertOneLine(PayloadException e) {
    assertFalse(e.getMessage().contains("\n"), e.getMessage());
  }
}
