// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.devices.storage.DiskException;
import io.jkvm.firmware.boot.BootException;
import io.jkvm.firmware.kernel.KernelFormatException;

/** What a user of the command can do about a fact that the library states. */
final class Advice {
  private static final String NONE = "";

  private Advice() {}

  /** The exception's message with what to do about it. */
  static String complete(Exception e) {
    String advice = NONE;
    if (e instanceof KernelFormatException kernel) {
      advice = of(kernel.kind());
    } else if (e instanceof BootException boot) {
      advice = of(boot.kind());
    } else if (e instanceof DiskException disk) {
      advice = of(disk.kind(), disk.disk());
    }
    return advice.isEmpty() ? e.getMessage() : e.getMessage() + ": " + advice;
  }

  private static String of(KernelFormatException.Kind kind) {
    return switch (kind) {
      case ABSENT -> "check the name given to --kernel";
      case DIRECTORY -> "name the bzImage or vmlinux file in it";
      case NOT_A_FILE -> "copy the kernel to a file and name that";
      case FORBIDDEN -> "make it readable with chmod a+r";
      case UNREADABLE -> "check the file and its disk";
      case EMPTY -> "build or copy the kernel again";
      case TRUNCATED -> "copy it again";
      case DAMAGED -> "build or copy it again";
      case OTHER_ARCHITECTURE -> "give one built for x86-64";
      case NOT_64_BIT -> "give a 64-bit x86-64 vmlinux, or the bzImage";
      case EFI_ONLY -> "give the bzImage or the vmlinux that it was made of";
      case UBOOT_IMAGE -> "give the bzImage or vmlinux it was made of";
      case INITRAMFS -> "give it with --initrd, and a kernel with --kernel";
      case COMPRESSED ->
          "unpack it first if it is a vmlinux, or give it with --initrd if it is an" + " initramfs";
      case DISK_IMAGE -> "give it with --disk, and a bzImage or vmlinux with --kernel";
      case TEXT, USER_PROGRAM -> "give a bzImage or a vmlinux";
      case NOT_A_KERNEL -> "give a bzImage (arch/x86/boot/bzImage) or an ELF vmlinux";
      case NOT_EXECUTABLE -> "give the vmlinux";
      case NOTHING_TO_LOAD -> "give the vmlinux that make built";
      case OLD_PROTOCOL -> "give a newer kernel";
      case ZIMAGE -> "build it with make bzImage";
      case PAYLOAD_UNKNOWN -> "use --boot=bzimage";
      case HEAP_TOO_SMALL -> "give java a larger -Xmx";
    };
  }

  private static String of(BootException.Kind kind) {
    return switch (kind) {
      case MEMORY_TOO_SMALL -> "give more --mem";
      case KERNEL_TOO_LOW -> "link it at 1 MiB or above";
      case KERNEL_TOO_HIGH -> "link it lower";
      case INITRD_TOO_LARGE -> "make it smaller";
      case INITRD_ABSENT -> "check the name given to --initrd";
      case INITRD_DIRECTORY -> "name a cpio archive";
      case INITRD_NOT_A_FILE -> "copy it to one";
      case INITRD_EMPTY -> "build it again, or leave it out";
      case INITRD_FORBIDDEN -> "make it readable with chmod a+r";
      case INITRD_UNREADABLE -> "check the file and its disk";
      case INITRD_SHRANK -> "wait until what writes it is done, and try again";
      case COMMAND_LINE_TOO_LONG -> "shorten --cmdline";
      case COMMAND_LINE_HAS_NUL -> "remove it";
      case NO_64_BIT_ENTRY -> "use --boot=pvh";
      case NO_PVH_ENTRY -> "use --boot=direct, or build it with CONFIG_PVH=y";
      case NO_SETUP_CODE -> "boot it with --boot=direct or give the bzImage";
      case SETUP_CODE_TOO_LARGE -> "use --boot=direct";
    };
  }

  private static String of(DiskException.Kind kind, String disk) {
    return switch (kind) {
      case ABSENT -> "check the name";
      case DIRECTORY -> "give an image file or a block device";
      case NOT_A_DISK -> "give one of these";
      case UNREACHABLE -> "check the permissions";
      case NOT_WRITABLE -> "make it writable or add ,ro to the disk";
      case UNOPENABLE -> "check the file and its permissions";
      case IN_USE_FOR_WRITING -> "stop the jkvm that has it first";
      case IN_USE -> "stop the jkvm that has it, give it once, or open it with ,ro everywhere";
      case NOT_LOCKABLE -> "copy it to a file system that supports locks";
      case UNMEASURABLE -> "check the file";
      case EMPTY -> "give it a size first: truncate -s 1G " + disk;
      case NOT_WHOLE_SECTORS -> "pad it first: truncate -s %512 " + disk;
      case SIZE_UNKNOWN -> "check it";
      case NO_MEDIUM -> "insert or attach one";
      case BLOCK_SIZE_UNSUPPORTED -> "use an image file";
      case SHRANK_IN_USE -> NONE;
    };
  }
}
