// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.ElfSegment;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.kernel.KernelImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;

/**
 * Finds what an unpacked kernel says of itself in its own memory: only the parts that are loaded
 * are searched, not the debugging information, which may be a gigabyte.
 */
final class KernelText {
  private static final byte[] CONFIG_START = "IKCFG_ST".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] CONFIG_END = "IKCFG_ED".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] BANNER = "Linux version ".getBytes(StandardCharsets.US_ASCII);
  private static final Pattern RELEASE = Pattern.compile("([0-9][!-~]*) .*", Pattern.DOTALL);

  /** The gzip stream after the marker; a distribution's has 70 KiB. */
  private static final int MAX_PACKED_CONFIG_BYTES = 1 << 20;

  private static final int MAX_RELEASE_BYTES = 128;
  private static final int PIECE_BYTES = 1 << 20;

  /** What is searched in all; kernels have 100 MiB, a sparse file any number. */
  private static final long MAX_BYTES = 1L << 30;

  /** A marker may stand where no configuration follows; a hostile file is full of them. */
  private static final int MAX_FINDS = 16;

  private final ElfKernel kernel;
  private long searchedBytes;

  private KernelText(ElfKernel kernel) {
    this.kernel = kernel;
  }

  /** The kernel proper; empty if its payload can't be unpacked here. */
  static Optional<KernelText> unpacked(KernelImage image) {
    try {
      return image.accept(
          new KernelImage.Visitor<Optional<KernelText>>() {
            @Override
            public Optional<KernelText> bzImage(BzImage packed) throws IOException {
              return Optional.of(new KernelText(packed.unpack()));
            }

            @Override
            public Optional<KernelText> elf(ElfKernel plain) {
              return Optional.of(new KernelText(plain));
            }
          });
    } catch (IOException e) {
      return Optional.empty(); // whoever boots it hears why
    }
  }

  /** The text of the configuration that CONFIG_IKCONFIG puts between two markers. */
  Optional<String> embeddedConfig() {
    return find(CONFIG_START, MAX_PACKED_CONFIG_BYTES, KernelText::unpackConfig);
  }

  private static Optional<String> unpackConfig(byte[] packed) {
    int end = indexOf(packed, packed.length, CONFIG_END);
    if (end < 0) {
      return Optional.empty();
    }
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(packed, 0, end))) {
      byte[] text = in.readNBytes(KernelConfig.MAX_BYTES);
      boolean whole = text.length < KernelConfig.MAX_BYTES;
      return whole ? Optional.of(new String(text, StandardCharsets.UTF_8)) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The release in the banner that the kernel prints first. */
  Optional<String> release() {
    return find(BANNER, MAX_RELEASE_BYTES, KernelText::releaseAt);
  }

  private static Optional<String> releaseAt(byte[] text) {
    Matcher release = RELEASE.matcher(new String(text, StandardCharsets.ISO_8859_1));
    return release.matches() ? Optional.of(release.group(1)) : Optional.empty();
  }

  /**
   * Looks at what follows each marker until one has the meaning that is wanted.
   *
   * @param bytes at most as many bytes after the marker are looked at
   */
  private Optional<String> find(
      byte[] marker, int bytes, Function<byte[], Optional<String>> meaning) {
    int finds = 0;
    try {
      for (ElfSegment segment : kernel.segments()) {
        long at = next(segment, marker, 0);
        while (at >= 0 && finds++ < MAX_FINDS) {
          long after = at + marker.length;
          int length = (int) Math.min(bytes, segment.fileBytes() - after);
          Optional<String> found = meaning.apply(kernel.read(segment, after, length));
          if (found.isPresent()) {
            return found;
          }
          at = next(segment, marker, after);
        }
      }
    } catch (KernelFormatException e) {
      return Optional.empty(); // it became shorter meanwhile
    }
    return Optional.empty();
  }

  /** The offset of the next marker at or after an offset in a segment; -1 if there is none. */
  private long next(ElfSegment segment, byte[] marker, long from) throws KernelFormatException {
    long start = from;
    while (start <= segment.fileBytes() - marker.length && searchedBytes < MAX_BYTES) {
      int length = (int) Math.min(PIECE_BYTES, segment.fileBytes() - start);
      int at = indexOf(kernel.read(segment, start, length), length, marker);
      if (at >= 0) {
        return start + at;
      }
      searchedBytes += length;
      start += length - marker.length + 1;
    }
    return -1;
  }

  private static int indexOf(byte[] text, int length, byte[] marker) {
    for (int i = 0; i <= length - marker.length; i++) {
      if (text[i] == marker[0]
          && Arrays.equals(text, i, i + marker.length, marker, 0, marker.length)) {
        return i;
      }
    }
    return -1;
  }
}
