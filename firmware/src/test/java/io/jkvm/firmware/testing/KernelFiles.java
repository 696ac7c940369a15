// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.testing;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Makes kernels that have valid headers and no code. */
public final class KernelFiles {
  public static final int SETUP_SECTORS = 5;
  public static final int SETUP_BYTES = (SETUP_SECTORS + 1) * 512;
  public static final int PAYLOAD_OFFSET = 0x300;
  public static final long KERNEL_ADDRESS = 0x1000000;
  public static final long INIT_BYTES = 0x400000;
  public static final int PVH_ENTRY = 0x1000123;

  private static final int SEGMENT_OFFSET = 0x1000;
  private static final int NOTE_OFFSET = 0x200;

  private KernelFiles() {}

  /** A bzImage of boot protocol 2.15 with a payload. */
  public static byte[] bzImage(byte[] payload) {
    int protectedBytes = (PAYLOAD_OFFSET + payload.length + 15) & ~15;
    byte[] file = new byte[SETUP_BYTES + protectedBytes];
    ByteBuffer b = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    b.put(0x1F1, (byte) SETUP_SECTORS);
    b.putInt(0x1F4, protectedBytes / 16);
    b.putShort(0x1FE, (short) 0xAA55);
    b.putShort(0x200, (short) 0x6AEB); // a jump whose displacement gives the header's end
    b.putInt(0x202, 0x53726448);
    b.putShort(0x206, (short) 0x020F);
    b.put(0x211, (byte) 1);
    b.putInt(0x214, 0x100000);
    b.putInt(0x22C, 0x7FFFFFFF);
    b.putInt(0x230, 0x200000);
    b.put(0x234, (byte) 1);
    b.putShort(0x236, (short) 0x3F);
    b.putInt(0x238, 2047);
    b.putInt(0x248, PAYLOAD_OFFSET);
    b.putInt(0x24C, payload.length);
    b.putLong(0x258, KERNEL_ADDRESS);
    b.putInt(0x260, (int) INIT_BYTES);
    for (int i = 0; i < PAYLOAD_OFFSET; i++) {
      b.put(SETUP_BYTES + i, (byte) (i * 7 + 1));
    }
    b.put(SETUP_BYTES + PAYLOAD_OFFSET, payload);
    return file;
  }

  /** An x86-64 vmlinux of two segments and a PVH note; compresses to a half about. */
  public static byte[] elf(int textBytes) {
    byte[] file = new byte[SEGMENT_OFFSET + textBytes + 0x800];
    ByteBuffer b = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    b.putInt(0, 0x464C457F);
    b.put(4, (byte) 2).put(5, (byte) 1).put(6, (byte) 1);
    b.putShort(16, (short) 2).putShort(18, (short) 62).putInt(20, 1);
    b.putLong(24, KERNEL_ADDRESS + 0x40);
    b.putLong(32, 64);
    b.putShort(52, (short) 64).putShort(54, (short) 56).putShort(56, (short) 3);
    long data = KERNEL_ADDRESS + ((textBytes + 0xFFF) & ~0xFFF);
    segment(b, 0, 1, SEGMENT_OFFSET, KERNEL_ADDRESS, textBytes, textBytes);
    segment(b, 1, 1, SEGMENT_OFFSET + textBytes, data, 0x800, 0x3000);
    segment(b, 2, 4, NOTE_OFFSET, 0, 0x30, 0x30);
    b.putInt(NOTE_OFFSET, 4).putInt(NOTE_OFFSET + 4, 3).putInt(NOTE_OFFSET + 8, 1);
    b.put(NOTE_OFFSET + 12, new byte[] {'G', 'N', 'U', 0, 1, 2, 3, 0});
    b.putInt(NOTE_OFFSET + 20, 4).putInt(NOTE_OFFSET + 24, 4).putInt(NOTE_OFFSET + 28, 18);
    b.put(NOTE_OFFSET + 32, new byte[] {'X', 'e', 'n', 0}).putInt(NOTE_OFFSET + 36, PVH_ENTRY);
    Random random = new Random(7);
    for (int i = SEGMENT_OFFSET; i < file.length; i++) {
      file[i] = (byte) ((i & 0x40) == 0 ? random.nextInt(64) : i >>> 8);
    }
    return file;
  }

  /** Writes a program header; the virtual address is Linux's for the physical one. */
  public static void segment(
      ByteBuffer b, int index, int type, long offset, long address, long fileBytes, long bytes) {
    int at = 64 + index * 56;
    b.putInt(at, type).putInt(at + 4, 7).putLong(at + 8, offset);
    b.putLong(at + 16, 0xFFFFFFFF80000000L + address).putLong(at + 24, address);
    b.putLong(at + 32, fileBytes).putLong(at + 40, bytes).putLong(at + 48, 0x1000);
  }
}
