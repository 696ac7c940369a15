// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import io.jkvm.firmware.kernel.KernelFormatException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/**
 * The setup header of a bzImage (Linux boot protocol, "The Real-Mode Kernel Header"), checked
 * against the file it came from. Multi-byte numbers are unsigned. Immutable.
 */
public final class SetupHeader {
  /** Where the header begins, in the file and in the zero page alike. */
  public static final int START_OFFSET = BootProtocol.SETUP_SECTS;

  /** The oldest boot protocol that is accepted, 2.06 (Linux 2.6.22). */
  public static final int OLDEST_PROTOCOL = 0x0206;

  /** {@code initrd_addr_max} of a kernel that does not say: below 2 GiB. */
  public static final long DEFAULT_INITRD_ADDRESS_MAX = 0x7FFF_FFFFL;

  /** {@code cmdline_size} of Linux on x86-64 (COMMAND_LINE_SIZE less the NUL). */
  public static final int DEFAULT_COMMAND_LINE_BYTES = 2047;

  private static final int SECTOR_BYTES = 512;
  private static final int PARAGRAPH_BYTES = 16;

  /** The zero page has room for the header up to here. */
  private static final int END_LIMIT = 0x290;

  private static final int DEFAULT_SETUP_SECTORS = 4;

  /** The last field of protocol 2.06 is cmdline_size. */
  private static final int SMALLEST_END = BootProtocol.CMDLINE_SIZE + 4;

  /** Larger than any kernel; fits into a Java array. */
  private static final long MAX_PAYLOAD_BYTES = 1L << 30;

  /** The file's first bytes up to the header's end, so that offsets are the specification's. */
  private final ByteBuffer header;

  private final long fileBytes;

  private SetupHeader(byte[] header, long fileBytes) {
    this.header = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
    this.fileBytes = fileBytes;
  }

  /**
   * Checks and copies a header.
   *
   * @param head the file's first bytes, with "HdrS" at 0x202
   */
  static SetupHeader parse(Path path, ByteBuffer head, long fileBytes)
      throws KernelFormatException {
    int end = BootProtocol.HEADER + (head.get(BootProtocol.JUMP + 1) & 0xFF);
    if (head.limit() < SMALLEST_END || head.limit() < end) {
      throw truncated(path, "its setup header is cut off", fileBytes);
    }
    int bootFlag = head.getShort(BootProtocol.BOOT_FLAG) & 0xFFFF;
    if (bootFlag != BootProtocol.BOOT_FLAG_MAGIC) {
      throw new KernelFormatException(
          path, Kind.DAMAGED, "is a damaged bzImage (no 0xAA55 at 0x1fe)");
    }
    int version = head.getShort(BootProtocol.VERSION) & 0xFFFF;
    if (version < OLDEST_PROTOCOL) {
      throw new KernelFormatException(
          path,
          Kind.OLD_PROTOCOL,
          String.format(
              "speaks boot protocol %d.%02d, and 2.06 or later (Linux 2.6.22) is needed",
              version >>> 8, version & 0xFF));
    }
    if (end < SMALLEST_END) {
      throw new KernelFormatException(
          path,
          Kind.DAMAGED,
          String.format("is a damaged bzImage (its setup header ends at 0x%x)", end));
    }
    byte[] copy = new byte[Math.min(end, END_LIMIT)];
    head.get(0, copy);
    SetupHeader header = new SetupHeader(copy, fileBytes);
    header.check(path);
    return header;
  }

  private void check(Path path) throws KernelFormatException {
    if ((loadFlags() & BootProtocol.LOADED_HIGH) == 0) {
      throw new KernelFormatException(
          path, Kind.ZIMAGE, "is a zImage (loaded below 1 MiB), not a bzImage");
    }
    long setup = setupBytes();
    if (setup > fileBytes) {
      throw truncated(path, "its setup code alone is " + setup + " bytes", fileBytes);
    }
    long wanted = u32(BootProtocol.SYSSIZE) * PARAGRAPH_BYTES;
    if (wanted == 0) {
      throw new KernelFormatException(path, Kind.DAMAGED, "is a damaged bzImage (syssize is 0)");
    }
    // syssize counts whole paragraphs; the file need not fill the last one.
    if (wanted - (fileBytes - setup) >= PARAGRAPH_BYTES) {
      throw truncated(path, "it should have " + (setup + wanted) + " bytes", fileBytes);
    }
    long alignment = kernelAlignment();
    if (relocatable() && (alignment == 0 || (alignment & (alignment - 1)) != 0)) {
      throw new KernelFormatException(
          path,
          Kind.DAMAGED,
          String.format("is a damaged bzImage (kernel_alignment is 0x%x)", alignment));
    }
    if (payloadLength() > MAX_PAYLOAD_BYTES
        || payloadLength() != 0
            && (payloadOffset() > protectedModeBytes()
                || payloadLength() > protectedModeBytes() - payloadOffset())) {
      throw new KernelFormatException(
          path,
          Kind.DAMAGED,
          String.format(
              "is a damaged bzImage (payload of %d bytes at %d, in %d bytes)",
              payloadLength(), payloadOffset(), protectedModeBytes()));
    }
  }

  private static KernelFormatException truncated(Path path, String why, long fileBytes) {
    return new KernelFormatException(
        path, Kind.TRUNCATED, "is truncated (" + why + ", the file has " + fileBytes + ")");
  }

  /** The boot protocol: 0x0206 is 2.06. */
  public int version() {
    return u16(BootProtocol.VERSION);
  }

  /** The real-mode part's length, boot sector included, in bytes. */
  public int setupBytes() {
    int sectors = header.get(START_OFFSET) & 0xFF;
    return ((sectors == 0 ? DEFAULT_SETUP_SECTORS : sectors) + 1) * SECTOR_BYTES;
  }

  /** The length in bytes of what is loaded at 1 MiB or above; it follows the real-mode part. */
  public long protectedModeBytes() {
    return Math.min(u32(BootProtocol.SYSSIZE) * PARAGRAPH_BYTES, fileBytes - setupBytes());
  }

  /** The loadflags byte. */
  public int loadFlags() {
    return header.get(BootProtocol.LOADFLAGS) & 0xFF;
  }

  /** The highest address that the initrd's last byte may have. */
  public long initrdAddressMax() {
    return u32(BootProtocol.INITRD_ADDR_MAX);
  }

  /** True if the protected-mode part may run elsewhere than at {@link #preferredAddress}. */
  public boolean relocatable() {
    return header.get(BootProtocol.RELOCATABLE_KERNEL) != 0;
  }

  /** A power of two if {@link #relocatable}. */
  public long kernelAlignment() {
    return u32(BootProtocol.KERNEL_ALIGNMENT);
  }

  /** The longest command line in bytes, its terminating NUL not counted. */
  public long commandLineBytes() {
    return u32(BootProtocol.CMDLINE_SIZE);
  }

  /** True if the kernel has the 64-bit entry at 0x200 (protocol 2.12, XLF_KERNEL_64). */
  public boolean has64BitEntry() {
    return saysIfItHas64BitEntry()
        && (u16(BootProtocol.XLOADFLAGS) & BootProtocol.XLF_KERNEL_64) != 0;
  }

  /** False before protocol 2.12, where an x86-64 kernel may or may not have the entry. */
  public boolean saysIfItHas64BitEntry() {
    return version() >= 0x020C;
  }

  /** Where the payload begins in the protected-mode part; meaningful if its length is not 0. */
  public long payloadOffset() {
    return version() >= 0x0208 ? u32(BootProtocol.PAYLOAD_OFFSET) : 0;
  }

  /** The length of the payload, its size field included; 0 before protocol 2.08. */
  public long payloadLength() {
    return version() >= 0x0208 ? u32(BootProtocol.PAYLOAD_LENGTH) : 0;
  }

  /** The preferred load address (unsigned 64-bit); 1 MiB before protocol 2.10. */
  public long preferredAddress() {
    return version() >= 0x020A && header.limit() >= BootProtocol.PREF_ADDRESS + 8
        ? header.getLong(BootProtocol.PREF_ADDRESS)
        : 0x100000;
  }

  /**
   * Bytes of memory that the kernel needs from where it runs until it has read its memory map; 0
   * before protocol 2.10, which does not say.
   */
  public long initBytes() {
    return version() >= 0x020A ? u32(BootProtocol.INIT_SIZE) : 0;
  }

  /**
   * Where in the setup code the text is that names the kernel's release and who built it, NUL
   * terminated; 0 if there is none. Not checked against the length of the setup code.
   */
  public int versionTextOffset() {
    int pointer = u16(BootProtocol.KERNEL_VERSION);
    return pointer == 0 ? 0 : pointer + SECTOR_BYTES;
  }

  /** A copy of the header's own bytes, from {@link #START_OFFSET} to its end. */
  public byte[] toBytes() {
    byte[] copy = new byte[header.limit() - START_OFFSET];
    header.get(START_OFFSET, copy);
    return copy;
  }

  private int u16(int offset) {
    return offset + 2 <= header.limit() ? header.getShort(offset) & 0xFFFF : 0;
  }

  /** Fields beyond the header's end read as 0, which every one of them allows. */
  private long u32(int offset) {
    return offset + 4 <= header.limit() ? header.getInt(offset) & 0xFFFFFFFFL : 0;
  }
}
