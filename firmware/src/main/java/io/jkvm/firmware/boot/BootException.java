// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import java.io.IOException;
import java.util.Objects;

/**
 * A machine that can't be booted as asked. The message is one line of facts: which file or text,
 * what is wrong with it, and the numbers. What can be done about that depends on the {@link Kind}
 * and on who is told.
 */
public final class BootException extends IOException {
  private static final long serialVersionUID = 1L;

  /** What is wrong, with what could be done about it. */
  public enum Kind {
    /** Kernel or initrd do not fit into RAM: a machine with more memory, or a smaller initrd. */
    MEMORY_TOO_SMALL,
    /** The kernel was linked below 1 MiB, where the boot tables are: link it at 1 MiB or above. */
    KERNEL_TOO_LOW,
    /** The kernel was linked where the devices are: link it lower. More memory does not help. */
    KERNEL_TOO_HIGH,
    /**
     * The initrd does not fit below the highest address that the kernel or the device window allows
     * for it: a smaller initrd. More memory does not help.
     */
    INITRD_TOO_LARGE,
    /** There is no such initrd: another name. */
    INITRD_ABSENT,
    /** The initrd is a directory: a cpio archive of it. */
    INITRD_DIRECTORY,
    /** The initrd is a device, a pipe or a socket: a copy of it in a regular file. */
    INITRD_NOT_A_FILE,
    /** The initrd has no bytes: build it again, or boot without. */
    INITRD_EMPTY,
    /** The file is a kernel, a program, an archive or a disk image: the initrd. */
    INITRD_OTHER_FORMAT,
    /** The initrd may not be read by this user: other permissions. */
    INITRD_FORBIDDEN,
    /** The initrd can't be read: see to the file and its disk. */
    INITRD_UNREADABLE,
    /** The initrd became shorter while it was read: once what writes it is done. */
    INITRD_SHRANK,
    /** The command line is longer than the kernel takes: a shorter one. */
    COMMAND_LINE_TOO_LONG,
    /** The command line has a NUL in it: one without. */
    COMMAND_LINE_HAS_NUL,
    /** A packed kernel turns out to have no 64-bit entry, but one for PVH: {@link BootMode#PVH}. */
    NO_64_BIT_ENTRY,
    /** No PVH entry: {@link BootMode#DIRECT}, or a kernel built with CONFIG_PVH. */
    NO_PVH_ENTRY,
    /** An ELF kernel has no code for a BIOS or to unpack itself: the bzImage, or another way. */
    NO_SETUP_CODE,
    /** More real-mode setup code than the BIOS has room for: {@link BootMode#DIRECT}. */
    SETUP_CODE_TOO_LARGE
  }

  private final Kind kind;

  /** A problem. */
  public BootException(Kind kind, String fact) {
    this(kind, fact, null);
  }

  /** A problem that another exception found first. */
  public BootException(Kind kind, String fact, Throwable cause) {
    super(fact, cause);
    this.kind = Objects.requireNonNull(kind);
  }

  /** What is wrong. */
  public Kind kind() {
    return kind;
  }

  /** Bytes as text for messages: whole MiB rounded up, or the exact number where that is small. */
  static String size(long bytes) {
    return bytes < 1 << 20 ? bytes + " bytes" : ((bytes + (1 << 20) - 1) >>> 20) + " MiB";
  }
}
