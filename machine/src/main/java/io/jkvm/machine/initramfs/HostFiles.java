// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;

/**
 * What {@link Files} does not give: the bytes of a name, and stat(2).
 *
 * <p>A {@link Path} that came out of a directory or a link keeps the name's bytes, also where they
 * do not decode, but its {@code toString} does not show them. Its URI does.
 */
final class HostFiles {
  private static final int FORMAT = 0170000;
  private static final int PERMISSIONS = 07777;

  private HostFiles() {}

  /**
   * A file's metadata.
   *
   * @param mode type and permissions, as in {@code st_mode}
   * @param time when its content was changed, in seconds since 1970
   */
  record Stat(int mode, int uid, int gid, long size, long time, long device, long rawDevice) {
    boolean isDirectory() {
      return (mode & FORMAT) == 0040000;
    }

    boolean isFile() {
      return (mode & FORMAT) == 0100000;
    }

    boolean isLink() {
      return (mode & FORMAT) == 0120000;
    }

    boolean isBlockDevice() {
      return (mode & FORMAT) == 0060000;
    }

    boolean isDevice() {
      return isBlockDevice() || (mode & FORMAT) == 0020000;
    }

    boolean isExecutable() {
      return isFile() && (mode & 0111) != 0;
    }

    String typeName() {
      return switch (mode & FORMAT) {
        case 0140000 -> "a socket";
        case 0010000 -> "a FIFO";
        default -> isDevice() ? "a device" : isDirectory() ? "a directory" : "no regular file";
      };
    }

    int permissions() {
      return mode & PERMISSIONS;
    }

    /** As gnu_dev_major(3). */
    int major() {
      return (int) (rawDevice >>> 8 & 0xfff | rawDevice >>> 32 & 0xfffff000L);
    }

    /** As gnu_dev_minor(3). */
    int minor() {
      return (int) (rawDevice & 0xff | rawDevice >>> 12 & 0xffffff00L);
    }

    CpioWriter.Attributes attributes() {
      return new CpioWriter.Attributes(permissions(), uid, gid, time);
    }
  }

  /** Metadata of the file itself: a link is not followed. */
  static Stat stat(Path file) throws IOException {
    Map<String, Object> read =
        Files.readAttributes(
            file, "unix:mode,uid,gid,size,lastModifiedTime,dev,rdev", LinkOption.NOFOLLOW_LINKS);
    return new Stat(
        (Integer) read.get("mode"),
        (Integer) read.get("uid"),
        (Integer) read.get("gid"),
        (Long) read.get("size"),
        Math.floorDiv(((FileTime) read.get("lastModifiedTime")).toMillis(), 1000L),
        (Long) read.get("dev"),
        (Long) read.get("rdev"));
  }

  /** Text that has the same bytes in every locale; what does not decode shows as U+FFFD. */
  private static boolean isPlain(String text) {
    return text.chars().allMatch(c -> c >= ' ' && c <= '~');
  }

  /** The bytes of a path, absolute or relative, one char for each. */
  static String raw(Path path) {
    String text = path.toString();
    if (isPlain(text)) {
      return text;
    }
    if (path.isAbsolute()) {
      int count = path.getNameCount();
      return count == 0 ? "/" : "/" + raw(path.subpath(0, count));
    }
    // Below a file there is no directory, to whose URI a slash would be added.
    String uri = Path.of("/dev/null").resolve(path).toUri().getRawPath();
    return decode(uri.substring("/dev/null/".length()));
  }

  private static String decode(String percent) {
    StringBuilder raw = new StringBuilder();
    for (int at = 0; at < percent.length(); at++) {
      char c = percent.charAt(at);
      if (c == '%') {
        raw.append((char) Integer.parseInt(percent.substring(at + 1, at + 3), 16));
        at += 2;
      } else {
        raw.append(c);
      }
    }
    return raw.toString();
  }

  /** The host's path of these bytes. */
  static Path path(GuestPath absolute) {
    String raw = absolute.raw();
    if (isPlain(raw)) {
      return Path.of(raw);
    }
    StringBuilder uri = new StringBuilder("file://");
    for (byte b : raw.getBytes(StandardCharsets.ISO_8859_1)) {
      boolean plain = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9';
      if (plain || b == '/' || b == '.' || b == '_' || b == '-') {
        uri.append((char) b);
      } else {
        uri.append(String.format("%%%02X", b & 0xff));
      }
    }
    return Path.of(URI.create(uri.toString()));
  }

  /** A path of one name, relative. */
  static Path name(String raw) {
    return path(GuestPath.ofRaw(raw)).getFileName();
  }

  /** Where a link leads, as it is written, one char for each byte. */
  static String readLink(Path link) throws IOException {
    return raw(Files.readSymbolicLink(link));
  }

  /** A path for messages: on one line, and with escapes for what does not decode. */
  static String show(Path path) {
    return GuestPath.show(raw(path));
  }

  /** An error of {@link Files} as one line that names the file. */
  static IOException failure(Path file, IOException cause) {
    return new IOException(show(file) + " " + reason(cause), cause);
  }

  static String reason(IOException cause) {
    if (cause instanceof NoSuchFileException) {
      return "does not exist";
    }
    if (cause instanceof AccessDeniedException) {
      return "can't be read (permission denied)";
    }
    if (cause instanceof FileSystemLoopException) {
      return "can't be read (too many levels of symbolic links)";
    }
    String why = cause instanceof FileSystemException e ? e.getReason() : cause.getMessage();
    return "can't be read (" + (why == null ? cause.getClass().getSimpleName() : why) + ")";
  }
}
