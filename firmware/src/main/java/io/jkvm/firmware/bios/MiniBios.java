// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.bios;

import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.layout.E820Map.Entry;
import io.jkvm.firmware.layout.E820Map.Type;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * The mini BIOS: 64 KiB of real-mode code (source in {@code firmware/src/main/asm/bios}) that a CPU
 * enters at its reset vector and that jumps into the real-mode setup code of a Linux bzImage.
 *
 * <p>The caller maps the image read-only at {@link #ROM_ADDRESS}, copies it to RAM at {@link
 * #SHADOW_ADDRESS}, and loads the kernel before the first vCPU runs, as the Linux boot protocol has
 * it for a real-mode loader ("Loading The Rest of The Kernel", "Running the Kernel"): the setup
 * sectors at {@code setupSegment * 16} with {@code type_of_loader}, {@code loadflags}, {@code
 * heap_end_ptr} of {@link #HEAP_END_PTR}, {@code cmd_line_ptr} and the initrd fields filled in, the
 * rest at {@code code32_start}. A {@code vid_mode} of {@link #VID_MODE_CURRENT} keeps the setup
 * code from clearing a screen that does not exist.
 */
public final class MiniBios {

  /** Size of the image in bytes. */
  public static final int SIZE_BYTES = 0x10000;

  /** Guest-physical address of the read-only mapping that holds the reset vector. */
  public static final long ROM_ADDRESS = 0xFFFF0000L;

  /** Guest-physical address of the copy in RAM that the BIOS runs from. */
  public static final long SHADOW_ADDRESS = 0xF0000L;

  /**
   * Bytes at the image's start that hold code and data. From here to offset 0xFFEF the image is
   * zero and the BIOS never looks at it: the place for firmware tables in the copy in RAM.
   */
  public static final int USED_BYTES = 0x1000;

  /** SP at the entry of the setup code, an offset from the setup segment. */
  public static final int SETUP_STACK_POINTER = 0xE000;

  /** The setup header's {@code heap_end_ptr} that goes with {@link #SETUP_STACK_POINTER}. */
  public static final int HEAP_END_PTR = SETUP_STACK_POINTER - 0x200;

  /** The setup header's {@code vid_mode} for "leave the video mode alone" (0x0F04). */
  public static final int VID_MODE_CURRENT = 0x0F04;

  /** The largest number of entries of the memory map that the image has room for. */
  public static final int MAX_E820_ENTRIES = 32;

  private static final String RESOURCE = "bios.bin";

  // The parameter block of bios.asm.
  private static final int PARAM_OFFSET = 0x100;
  private static final byte[] PARAM_MAGIC = "JKVMBIOS".getBytes(StandardCharsets.US_ASCII);
  private static final int PARAM_VERSION = 1;
  private static final int PARAM_SETUP_SEGMENT_OFFSET = PARAM_OFFSET + 0x0A;

  private static final long KIB = 1024;
  private static final long MIB = 1024 * KIB;
  private static final long CONVENTIONAL_END = 640 * KIB;

  /** End of the interrupt vector table, the BIOS data area and the power-on stack. */
  private static final long LOWEST_SETUP_ADDRESS = 0x8000;

  private MiniBios() {}

  /**
   * Returns a fresh image of {@link #SIZE_BYTES} bytes, configured for one machine.
   *
   * @param map what int 15h/E820h reports, at most {@link #MAX_E820_ENTRIES} entries; the older
   *     calls (int 12h, E801h, 88h) are answered from its RAM at address 0 and at 1 MiB
   * @param setupSegment the real-mode segment that the kernel's setup code is loaded at; the 56 KiB
   *     from there ({@link #SETUP_STACK_POINTER}) must lie in base memory above 0x8000
   * @throws IllegalArgumentException if the map or the segment does not fit
   */
  public static byte[] image(E820Map map, int setupSegment) {
    List<Entry> entries = map.entries();
    if (entries.isEmpty() || entries.size() > MAX_E820_ENTRIES) {
      throw new IllegalArgumentException(
          "the BIOS takes 1 to " + MAX_E820_ENTRIES + " e820 entries, not " + entries.size());
    }
    long baseBytes = Math.min(ramEnd(entries, 0), CONVENTIONAL_END);
    long setupAddress = (long) setupSegment << 4;
    if (setupAddress < LOWEST_SETUP_ADDRESS || setupAddress + SETUP_STACK_POINTER > baseBytes) {
      throw new IllegalArgumentException(
          String.format(
              "setup segment 0x%x: its 0x%x bytes must lie between 0x%x and the end of base memory,"
                  + " 0x%x",
              setupSegment, SETUP_STACK_POINTER, LOWEST_SETUP_ADDRESS, baseBytes));
    }
    long extendedBytes = Math.max(ramEnd(entries, MIB) - MIB, 0);
    byte[] image = load();
    ByteBuffer block = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    block.position(PARAM_SETUP_SEGMENT_OFFSET);
    block.putShort((short) setupSegment);
    block.putShort((short) (baseBytes / KIB));
    block.putShort((short) Math.min(extendedBytes / KIB, 0xFFFF));
    block.putShort((short) (Math.min(extendedBytes, 15 * MIB) / KIB));
    block.putShort((short) Math.min(Math.max(extendedBytes - 15 * MIB, 0) / (64 * KIB), 0xFFFF));
    block.putShort((short) entries.size());
    block.putShort((short) SETUP_STACK_POINTER);
    map.writeTo(block);
    return image;
  }

  /** Returns the end of the RAM that starts exactly at the address, or 0 if none does. */
  private static long ramEnd(List<Entry> entries, long address) {
    for (Entry entry : entries) {
      if (entry.address() == address && entry.type() == Type.RAM) {
        return entry.end();
      }
    }
    return 0;
  }

  private static byte[] load() {
    byte[] image;
    try (InputStream in = MiniBios.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException(
            "resource " + RESOURCE + " is missing beside " + MiniBios.class.getName());
      }
      image = in.readNBytes(SIZE_BYTES + 1);
    } catch (IOException e) {
      throw new UncheckedIOException("resource " + RESOURCE + " can't be read", e);
    }
    int magicEnd = PARAM_OFFSET + PARAM_MAGIC.length;
    if (image.length != SIZE_BYTES
        || !Arrays.equals(image, PARAM_OFFSET, magicEnd, PARAM_MAGIC, 0, PARAM_MAGIC.length)
        || image[magicEnd] != PARAM_VERSION
        || image[magicEnd + 1] != 0) {
      throw new IllegalStateException(
          "resource " + RESOURCE + " is not the BIOS of this version; run firmware/assemble.sh");
    }
    return image;
  }
}
