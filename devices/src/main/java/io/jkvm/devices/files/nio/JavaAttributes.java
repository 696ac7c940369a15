// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/**
 * Attributes of a file system's files, by the best of the views that it has: unix, posix, basic.
 * What a view does not tell is made up: modes 0755 and 0644, one link.
 */
final class JavaAttributes {
  private static final String UNIX =
      "unix:mode,nlink,rdev,size,lastAccessTime,lastModifiedTime,ctime,dev,ino";
  private static final int BLOCK_BYTES = 4096;
  private static final int SECTOR_BYTES = 512;
  private static final int DIRECTORY_MODE = FileMode.DIRECTORY | 0755;
  private static final int FILE_MODE = FileMode.REGULAR | 0644;
  private static final int LINK_MODE = FileMode.SYMBOLIC_LINK | 0777;

  private final boolean unix;
  private final boolean posix;
  private final int uid;
  private final int gid;

  /** What tells files of the host apart. */
  record UnixKey(long device, long inode) {}

  /** All files belong to one owner. */
  JavaAttributes(FileSystem fileSystem, int uid, int gid) {
    Set<String> views = fileSystem.supportedFileAttributeViews();
    unix = views.contains("unix");
    posix = views.contains("posix");
    this.uid = uid;
    this.gid = gid;
  }

  /**
   * Reads all but node and inode, without following a link.
   *
   * @return what tells the file from others; null if the file system has no such thing
   */
  Object read(Path path, FileAttributes into) throws IOException {
    into.uid = uid;
    into.gid = gid;
    into.device = 0;
    into.blockBytes = BLOCK_BYTES;
    Object key = unix ? readUnix(path, into) : readOther(path, into);
    into.blocks = (into.size + SECTOR_BYTES - 1) / SECTOR_BYTES;
    return key;
  }

  /**
   * Whether a file is a directory, and what tells it from others, without following a link.
   *
   * @param into receives the mode: of its type only that of a directory counts
   * @return what tells the file from others; null if the file system has no such thing
   */
  Object readType(Path path, FileAttributes into) throws IOException {
    if (unix) {
      Map<String, Object> all =
          Files.readAttributes(path, "unix:mode,dev,ino", LinkOption.NOFOLLOW_LINKS);
      into.mode = (Integer) all.get("mode");
      return new UnixKey((Long) all.get("dev"), (Long) all.get("ino"));
    }
    BasicFileAttributes a =
        Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    into.mode = type(a);
    return a.fileKey();
  }

  private static Object readUnix(Path path, FileAttributes into) throws IOException {
    Map<String, Object> all = Files.readAttributes(path, UNIX, LinkOption.NOFOLLOW_LINKS);
    into.mode = (Integer) all.get("mode");
    into.links = (Integer) all.get("nlink");
    into.device = device((Long) all.get("rdev"));
    into.size = (Long) all.get("size");
    times(
        into,
        (FileTime) all.get("lastAccessTime"),
        (FileTime) all.get("lastModifiedTime"),
        (FileTime) all.get("ctime"));
    return new UnixKey((Long) all.get("dev"), (Long) all.get("ino"));
  }

  /** The C library's 64 bits as the kernel's 32. */
  private static int device(long number) {
    int major = (int) (number >>> 8 & 0xfff);
    int minor = (int) (number & 0xff | number >>> 12 & 0xf_ff00);
    return minor & 0xff | major << 8 | (minor & 0xf_ff00) << 12;
  }

  private Object readOther(Path path, FileAttributes into) throws IOException {
    BasicFileAttributes a;
    if (posix) {
      PosixFileAttributes p =
          Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      into.mode = type(p) & FileMode.TYPE | bits(p.permissions());
      a = p;
    } else {
      a = Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      into.mode = type(a);
    }
    into.links = 1;
    into.size = a.size();
    times(into, a.lastAccessTime(), a.lastModifiedTime(), a.lastModifiedTime());
    return a.fileKey();
  }

  private static int type(BasicFileAttributes a) {
    if (a.isDirectory()) {
      return DIRECTORY_MODE;
    }
    return a.isSymbolicLink() ? LINK_MODE : FILE_MODE;
  }

  private static int bits(Set<PosixFilePermission> permissions) {
    int bits = 0;
    for (PosixFilePermission permission : permissions) {
      bits |= bit(permission);
    }
    return bits;
  }

  /** The enum's order is that of the bits, from the owner's to read on. */
  private static int bit(PosixFilePermission permission) {
    return 0400 >> permission.ordinal();
  }

  private static void times(
      FileAttributes into, FileTime access, FileTime modification, FileTime change) {
    into.accessSeconds = access.toInstant().getEpochSecond();
    into.accessNanos = access.toInstant().getNano();
    into.modificationSeconds = modification.toInstant().getEpochSecond();
    into.modificationNanos = modification.toInstant().getNano();
    into.changeSeconds = change.toInstant().getEpochSecond();
    into.changeNanos = change.toInstant().getNano();
  }

  /** Sets permissions of what is not a symbolic link, as well as the file system can. */
  void setMode(Path path, int mode) throws IOException {
    if (unix) {
      Files.setAttribute(path, "unix:mode", mode & FileMode.PERMISSIONS);
    } else if (posix) {
      Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
      for (PosixFilePermission permission : PosixFilePermission.values()) {
        if ((mode & bit(permission)) != 0) {
          permissions.add(permission);
        }
      }
      Files.getFileAttributeView(path, PosixFileAttributeView.class).setPermissions(permissions);
    }
  }

  /** Sets times of a regular file or a directory. */
  static void setTimes(Path path, AttributeChange change) throws IOException {
    Files.getFileAttributeView(path, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .setTimes(modification(change), access(change), null);
  }

  /** The new time of the last access; null if it stays. */
  static FileTime access(AttributeChange change) {
    return time(
        change,
        AttributeChange.ACCESS_TIME,
        AttributeChange.ACCESS_NOW,
        change.accessSeconds,
        change.accessNanos);
  }

  /** The new time of the last modification; null if it stays. */
  static FileTime modification(AttributeChange change) {
    return time(
        change,
        AttributeChange.MODIFICATION_TIME,
        AttributeChange.MODIFICATION_NOW,
        change.modificationSeconds,
        change.modificationNanos);
  }

  private static FileTime time(
      AttributeChange change, int given, int now, long seconds, int nanos) {
    if (change.has(now)) {
      return FileTime.from(Instant.now());
    }
    if (!change.has(given)) {
      return null;
    }
    long bounded =
        Math.max(Instant.MIN.getEpochSecond(), Math.min(Instant.MAX.getEpochSecond(), seconds));
    return FileTime.from(Instant.ofEpochSecond(bounded, nanos));
  }

  /** Whether a change of owner asks for nothing but what is. */
  boolean isOwner(AttributeChange change) {
    return (!change.has(AttributeChange.UID) || change.uid == uid)
        && (!change.has(AttributeChange.GID) || change.gid == gid);
  }

  boolean isOwner(int callerUid) {
    return callerUid == uid;
  }
}
