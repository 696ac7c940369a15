// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A file that can't be used as a kernel. The message is one line of facts: the file and what is
 * wrong with it. What can be done about that depends on the {@link Kind} and on who is told.
 */
public final class KernelFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  /** What is wrong, with what could be done about it. */
  public enum Kind {
    /** There is no such file: another name. */
    ABSENT,
    /** The path is a directory: the file in it. */
    DIRECTORY,
    /** A device, a pipe or a socket: a copy of the kernel in a regular file. */
    NOT_A_FILE,
    /** The file may not be read by this user: other permissions. */
    FORBIDDEN,
    /** The file can't be read, or became shorter meanwhile: see to the file and its disk. */
    UNREADABLE,
    /** The file has no bytes: build or copy it again. */
    EMPTY,
    /** The file is shorter than its headers say: copy it again. */
    TRUNCATED,
    /** The file contradicts itself: build or copy it again. */
    DAMAGED,
    /** A kernel for another processor: one built for x86-64. */
    OTHER_ARCHITECTURE,
    /** A 32-bit ELF for x86-64: a 64-bit vmlinux, or the bzImage. */
    NOT_64_BIT,
    /** Only UEFI firmware can start it: the bzImage or vmlinux that it was made of. */
    EFI_ONLY,
    /** A U-Boot image: the bzImage or vmlinux that it was made of. */
    UBOOT_IMAGE,
    /** A cpio archive: to be given as an initrd, beside a kernel. */
    INITRAMFS,
    /** A compressed file: to be unpacked if it is a vmlinux, to be given as an initrd otherwise. */
    COMPRESSED,
    /** A disk image or boot sector: to be given as a disk, beside a kernel. */
    DISK_IMAGE,
    /** A text file: a bzImage or a vmlinux. */
    TEXT,
    /** Nothing that is known: a bzImage or an ELF vmlinux. */
    NOT_A_KERNEL,
    /** An ELF, but an object file, a module or a core dump: the vmlinux. */
    NOT_EXECUTABLE,
    /** An ELF program of a user: a vmlinux or a bzImage. */
    USER_PROGRAM,
    /** An ELF without anything to load: the vmlinux that the build made. */
    NOTHING_TO_LOAD,
    /** The boot protocol is older than this machine's loaders: a newer kernel. */
    OLD_PROTOCOL,
    /** A zImage, which is loaded below 1 MiB: a bzImage. */
    ZIMAGE,
    /** The payload can't be unpacked here: {@code BootMode.BZIMAGE}, where it unpacks itself. */
    PAYLOAD_UNKNOWN,
    /** The unpacked kernel does not fit into the Java heap: a larger heap. */
    HEAP_TOO_SMALL
  }

  private final Kind kind;

  /**
   * A problem with a kernel file.
   *
   * @param kernel the file
   * @param fact continues a sentence that begins with the file's name
   */
  public KernelFormatException(Path kernel, Kind kind, String fact) {
    this(kernel, kind, fact, null);
  }

  /** A problem with a kernel file that another exception found first. */
  public KernelFormatException(Path kernel, Kind kind, String fact, Throwable cause) {
    super("kernel " + kernel + " " + fact, cause);
    this.kind = Objects.requireNonNull(kind);
  }

  /** What is wrong. */
  public Kind kind() {
    return kind;
  }

  /** A file that can't be read for a reason that the host's file system knows. */
  static KernelFormatException unreadable(Path kernel, IOException cause) {
    return new KernelFormatException(
        kernel,
        Kind.UNREADABLE,
        "can't be read (" + (cause.getMessage() == null ? cause : cause.getMessage()) + ")",
        cause);
  }
}
