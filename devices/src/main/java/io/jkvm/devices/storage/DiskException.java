// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import java.io.IOException;
import java.util.Objects;

/**
 * A disk that can't be used. The message is one line of facts: which disk and what is wrong with
 * it. What can be done about that depends on the {@link Kind} and on who is told.
 */
public final class DiskException extends IOException {
  private static final long serialVersionUID = 1L;

  /** What is wrong, with what could be done about it. */
  public enum Kind {
    /** There is no such file: another name. */
    ABSENT,
    /** The path is a directory: an image file or a block device. */
    DIRECTORY,
    /** A character device, a pipe or a socket: an image file or a block device. */
    NOT_A_DISK,
    /** The path leads nowhere that this user can see: other permissions on its directories. */
    UNREACHABLE,
    /** The file may not be written, but perhaps read: other permissions, or read-only. */
    NOT_WRITABLE,
    /** The file can't be opened: see to it and its permissions. */
    UNOPENABLE,
    /** Open for writing elsewhere, in this process or another: close it there. */
    IN_USE_FOR_WRITING,
    /** Open elsewhere, perhaps only for reading: close it there, or open all read-only. */
    IN_USE,
    /** The host has the block device mounted, or as a part of a volume: release it there. */
    USED_BY_HOST,
    /** The file system has no locks: a copy on one that has. */
    NOT_LOCKABLE,
    /** The length of the file can't be found out: see to the file. */
    UNMEASURABLE,
    /** The file has no bytes: give it a length, a multiple of 512. */
    EMPTY,
    /** The length is no multiple of 512: pad the file. */
    NOT_WHOLE_SECTORS,
    /** Direct I/O is wanted where there is none: do without it, or a copy elsewhere. */
    NO_DIRECT_IO,
    /** The length is no multiple of what direct writes are in: pad the file, or do without. */
    NOT_WHOLE_BLOCKS,
    /** An image of another format, which a guest would destroy: convert it. */
    OTHER_FORMAT,
    /** A compressed file: unpack it. */
    COMPRESSED,
    /** A program, a kernel or an archive, which a guest would destroy: another file. */
    PROGRAM,
    /** The block device does not tell its size: see to the device. */
    SIZE_UNKNOWN,
    /** The block device has no medium: insert or attach one. */
    NO_MEDIUM,
    /** The block device has blocks of a size that is not supported: an image file. */
    BLOCK_SIZE_UNSUPPORTED,
    /** The file became shorter while the machine ran: its content is lost. */
    SHRANK_IN_USE
  }

  private final Kind kind;
  private final String disk;

  /**
   * A problem with a disk.
   *
   * @param disk its path
   * @param fact follows the disk's name and a colon
   */
  public DiskException(String disk, Kind kind, String fact) {
    super("disk " + disk + ": " + fact);
    this.disk = Objects.requireNonNull(disk);
    this.kind = Objects.requireNonNull(kind);
  }

  /** What is wrong. */
  public Kind kind() {
    return kind;
  }

  /** The disk's path, for advice that names it. */
  public String disk() {
    return disk;
  }
}
