// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Writes a cpio archive in the "newc" format, as Linux unpacks it into its initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst). The same calls make the same bytes:
 * inodes are numbered in the order of the calls, and nothing of the host or the clock comes in.
 *
 * <p>Names are bytes and go into the archive as they are given. What the kernel would pass over in
 * silence is refused: a name or a link's target of more than 4095 bytes, a name that is the
 * archive's end mark. Directories have to come before what is in them. A file with several names
 * (hard links) is as many files.
 *
 * <p>Not for use by several threads at once.
 */
public final class CpioWriter {
  /** The longest name or link target, in bytes: PATH_MAX without the NUL. */
  public static final int MAX_NAME = 4095;

  /** The largest file, in bytes: the format has 32 bits for a size. */
  public static final long MAX_FILE = 0xffff_ffffL;

  private static final String TRAILER = "TRAILER!!!";
  private static final int HEADER = 110;
  private static final int BLOCK = 512;
  private static final int BUFFER = 1 << 16;

  private static final int DIRECTORY = 0040000;
  private static final int REGULAR = 0100000;
  private static final int LINK = 0120000;
  private static final int CHARACTER_DEVICE = 0020000;
  private static final int BLOCK_DEVICE = 0060000;
  private static final int PERMISSIONS = 07777;

  private final OutputStream out;
  private final byte[] buffer = new byte[BUFFER];
  private long written;
  private long inode;

  /**
   * What all kinds of entries have.
   *
   * @param permissions 0 to 07777
   * @param uid the owner, unsigned
   * @param gid the group, unsigned
   * @param time of the last change, in seconds since 1970; the format has 32 bits, unsigned, and
   *     the nearest that fits is written
   */
  public record Attributes(int permissions, int uid, int gid, long time) {
    /** Checks the permissions. */
    public Attributes {
      if ((permissions & ~PERMISSIONS) != 0) {
        throw new IllegalArgumentException("permissions 0" + Integer.toOctalString(permissions));
      }
    }

    /** Root's, from 1970. */
    public static Attributes ofRoot(int permissions) {
      return new Attributes(permissions, 0, 0, 0);
    }
  }

  /**
   * Writes to a stream, which stays open.
   *
   * @param out is given pieces of up to 64 KiB, also very small ones
   */
  public CpioWriter(OutputStream out) {
    this.out = out;
  }

  /**
   * Adds a directory.
   *
   * @param name relative to the root, {@code .} for the root itself
   */
  public void directory(byte[] name, Attributes attributes) throws IOException {
    header(name, DIRECTORY, attributes, 2, 0, 0, 0);
  }

  /** Adds a file with this content. */
  public void file(byte[] name, Attributes attributes, byte[] content) throws IOException {
    header(name, REGULAR, attributes, 1, content.length, 0, 0);
    write(content, content.length);
    pad(4);
  }

  /**
   * Adds a file with the content of one on the host, which is read in pieces.
   *
   * @param content not a symbolic link
   * @param size of the content, in bytes
   * @throws IOException one line that names the file: it can't be read, is too large, or does not
   *     have this size (any more). The archive is spoilt then.
   */
  public void file(byte[] name, Attributes attributes, Path content, long size) throws IOException {
    checkSize(content, size);
    try (InputStream in = open(content)) {
      header(name, REGULAR, attributes, 1, size, 0, 0);
      for (long left = size; left > 0; ) {
        int count = read(in, content, (int) Math.min(left, BUFFER));
        if (count <= 0) {
          throw new IOException(HostFiles.show(content) + " shrank while it was packed");
        }
        write(buffer, count);
        left -= count;
      }
      if (read(in, content, 1) > 0) {
        throw new IOException(HostFiles.show(content) + " grew while it was packed");
      }
    }
    pad(4);
  }

  /** Errors of the source are told from those of the stream that is written to. */
  private static InputStream open(Path content) throws IOException {
    try {
      return Files.newInputStream(content, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      throw HostFiles.failure(content, e);
    }
  }

  private int read(InputStream in, Path content, int most) throws IOException {
    try {
      return in.read(buffer, 0, most);
    } catch (IOException e) {
      throw HostFiles.failure(content, e);
    }
  }

  static void checkSize(Path file, long size) throws IOException {
    if (size > MAX_FILE) {
      throw new IOException(
          HostFiles.show(file)
              + " is too large for an initramfs: it has "
              + size
              + " bytes, 4 GiB is the limit of the format");
    }
  }

  /**
   * Adds a symbolic link.
   *
   * @param target 1 to 4095 bytes
   */
  public void symlink(byte[] name, Attributes attributes, byte[] target) throws IOException {
    if (target.length == 0 || target.length > MAX_NAME) {
      throw new IOException(
          "the link " + show(name) + " has a target of " + target.length + " bytes");
    }
    header(name, LINK, attributes, 1, target.length, 0, 0);
    write(target, target.length);
    pad(4);
  }

  /** Adds a character device. */
  public void characterDevice(byte[] name, Attributes attributes, int major, int minor)
      throws IOException {
    header(name, CHARACTER_DEVICE, attributes, 1, 0, major, minor);
  }

  /** Adds a block device. */
  public void blockDevice(byte[] name, Attributes attributes, int major, int minor)
      throws IOException {
    header(name, BLOCK_DEVICE, attributes, 1, 0, major, minor);
  }

  /** Ends the archive, to a whole number of 512-byte blocks, and flushes the stream. */
  public void finish() throws IOException {
    inode = -1;
    header(raw(TRAILER), 0, Attributes.ofRoot(0), 1, 0, 0, 0);
    pad(BLOCK);
    out.flush();
  }

  private void header(
      byte[] name, int type, Attributes attributes, int links, long size, int major, int minor)
      throws IOException {
    checkName(name, type);
    inode++;
    long[] fields = {
      inode,
      type | attributes.permissions,
      Integer.toUnsignedLong(attributes.uid),
      Integer.toUnsignedLong(attributes.gid),
      links,
      Math.max(0, Math.min(attributes.time, 0xffff_ffffL)),
      size,
      0,
      0,
      Integer.toUnsignedLong(major),
      Integer.toUnsignedLong(minor),
      name.length + 1L,
      0
    };
    StringBuilder header = new StringBuilder("070701");
    for (long field : fields) {
      String digits = Long.toHexString(field);
      header.append("0".repeat(8 - digits.length())).append(digits);
    }
    write(raw(header.toString()), HEADER);
    write(name, name.length);
    write(new byte[1], 1);
    pad(4);
  }

  private static void checkName(byte[] name, int type) throws IOException {
    String text = new String(name, StandardCharsets.ISO_8859_1);
    if (name.length > MAX_NAME) {
      throw new IOException(
          show(name).substring(0, 60) + "... has a name of " + name.length + " bytes");
    }
    if (name.length == 0 || text.indexOf('\0') >= 0 || type != 0 && text.equals(TRAILER)) {
      throw new IOException("'" + show(name) + "' can't be a name in an initramfs");
    }
  }

  private static String show(byte[] name) {
    return GuestPath.show(new String(name, StandardCharsets.ISO_8859_1));
  }

  private void write(byte[] bytes, int length) throws IOException {
    out.write(bytes, 0, length);
    written += length;
  }

  private void pad(int alignment) throws IOException {
    int length = (int) (-written & alignment - 1);
    write(new byte[length], length);
  }

  private static byte[] raw(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /**
   * How many bytes of an archive one entry takes.
   *
   * @param name its length in bytes
   * @param content a file's size, a link target's length, else 0
   */
  static long entrySize(int name, long content) {
    return align(HEADER + name + 1L, 4) + align(content, 4);
  }

  /** The size of an archive whose entries take this much. */
  static long archiveSize(long entries) {
    return align(entries + entrySize(TRAILER.length(), 0), BLOCK);
  }

  private static long align(long size, int alignment) {
    return size + alignment - 1 & -alignment;
  }
}
