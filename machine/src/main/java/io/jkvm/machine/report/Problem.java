// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.report;

/** What can be wrong; each says whose turn it is to change something. */
public enum Problem {
  // --- a specification that can't be ---
  /** A part is missing: it is null. */
  INCOMPLETE,
  /** No memory, too little for Linux, or not a whole number of pages. */
  MEMORY_SIZE,
  /** No processor, or more than a machine can have. */
  CPU_COUNT,
  /** A name of a machine that is empty or does not fit into a line. */
  NAME,
  /** A processor feature that is not known. */
  CPU_FEATURE,
  /** A disk that is not whole. */
  DISK,
  /** A disk's id that a guest could not read. */
  DISK_ID,
  /** Two disks of one id. */
  DISK_ID_TWICE,
  /** One image for two disks, at least one of which would write it. */
  DISK_TWICE,
  /** An address that no card can have. */
  MAC_ADDRESS,
  /** A card that is not whole, or whose network can't be. */
  NETWORK,
  /** Two cards with something that only one can have. */
  CARD_TWICE,
  /** A link with a rate, loss or delay that can't be. */
  LINK,
  /** A port that can't be published. */
  PUBLISHED_PORT,
  /** A share whose tag or place in the guest can't be. */
  SHARE,
  /** Two shares with something that only one can have. */
  SHARE_TWICE,
  /** What is to be included would be hidden by a share. */
  INCLUDE_HIDDEN,
  /** A device of the user's own that does not fit into the machine. */
  DEVICE,
  /** More virtio devices than the bus has slots. */
  TOO_MANY_DEVICES,

  // --- the host ---
  /** There is no KVM device. */
  KVM_ABSENT,
  /** The KVM device must not be opened by this user. */
  KVM_FORBIDDEN,
  /** The file is not a KVM device. */
  KVM_NOT_KVM,
  /** This KVM lacks something that is needed. */
  KVM_TOO_OLD,
  /** More processors than this host's KVM allows. */
  MORE_CPUS_THAN_KVM,
  /** More memory than the host has. */
  MORE_MEMORY_THAN_HOST,
  /** No more files can be opened: a higher limit. */
  HOST_FILES,
  /** No more memory can be mapped: a smaller machine, or a higher limit. */
  HOST_MEMORY,
  /** No more threads can be started: a higher limit, or fewer other processes. */
  HOST_THREADS,
  /** The host refused something else. */
  HOST,

  // --- the kernel file ---
  /** There is no such file: another name. */
  KERNEL_ABSENT,
  /** The path is a directory: the file in it. */
  KERNEL_DIRECTORY,
  /** A device, a pipe or a socket: a copy of the kernel in a regular file. */
  KERNEL_NOT_A_FILE,
  /** The file may not be read by this user: other permissions. */
  KERNEL_FORBIDDEN,
  /** The file can't be read, or became shorter meanwhile: see to the file and its disk. */
  KERNEL_UNREADABLE,
  /** The file has no bytes: build or copy it again. */
  KERNEL_EMPTY,
  /** The file is shorter than its headers say: copy it again. */
  KERNEL_TRUNCATED,
  /** The file contradicts itself: build or copy it again. */
  KERNEL_DAMAGED,
  /** A kernel for another processor: one built for x86-64. */
  KERNEL_OTHER_ARCHITECTURE,
  /** A 32-bit ELF for x86-64: a 64-bit vmlinux, or the bzImage. */
  KERNEL_NOT_64_BIT,
  /** Only UEFI firmware can start it: the bzImage or vmlinux that it was made of. */
  KERNEL_EFI_ONLY,
  /** A U-Boot image: the bzImage or vmlinux that it was made of. */
  KERNEL_UBOOT_IMAGE,
  /** A cpio archive: to be given as an initrd, beside a kernel. */
  KERNEL_INITRAMFS,
  /** A compressed file: to be unpacked if it is a vmlinux, to be given as an initrd otherwise. */
  KERNEL_COMPRESSED,
  /** A disk image or boot sector: to be given as a disk, beside a kernel. */
  KERNEL_DISK_IMAGE,
  /** A text file: a bzImage or a vmlinux. */
  KERNEL_TEXT,
  /** Nothing that is known: a bzImage or an ELF vmlinux. */
  KERNEL_NOT_A_KERNEL,
  /** An ELF, but an object file, a module or a core dump: the vmlinux. */
  KERNEL_NOT_EXECUTABLE,
  /** An ELF program of a user: a vmlinux or a bzImage. */
  KERNEL_USER_PROGRAM,
  /** An ELF without anything to load: the vmlinux that the build made. */
  KERNEL_NOTHING_TO_LOAD,
  /** The boot protocol is older than this machine's loaders: a newer kernel. */
  KERNEL_OLD_PROTOCOL,
  /** A zImage, which is loaded below 1 MiB: a bzImage. */
  KERNEL_ZIMAGE,
  /** The payload can't be unpacked here: BZIMAGE, where it unpacks itself. */
  KERNEL_PAYLOAD_UNKNOWN,
  /** The unpacked kernel does not fit into the Java heap: a larger heap. */
  KERNEL_HEAP_TOO_SMALL,
  /** The directory has no kernel where builds and distributions put it: build it, or the file. */
  KERNEL_NOT_IN_DIRECTORY,
  /** The directory has several kernels: one of them. */
  KERNEL_SEVERAL,
  /** A kernel's configuration can't be read or is none: another file. */
  KERNEL_CONFIG,
  /** The directory has no modules of a kernel: another one. */
  MODULES_ABSENT,
  /** The lists of the modules, or a module, can't be read: see to the file and its disk. */
  MODULE_UNREADABLE,
  /** A module's file contradicts itself: build or copy it again. */
  MODULE_DAMAGED,
  /** A module was built for another kernel: the modules that belong to this one. */
  MODULE_OTHER_KERNEL,

  // --- what is loaded beside it, and how it is entered ---
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
  /** A packed kernel turns out to have no 64-bit entry, but one for PVH: PVH. */
  NO_64_BIT_ENTRY,
  /** No PVH entry: DIRECT, or a kernel built with CONFIG_PVH. */
  NO_PVH_ENTRY,
  /** An ELF kernel has no code for a BIOS or to unpack itself: the bzImage, or another way. */
  NO_SETUP_CODE,
  /** More real-mode setup code than the BIOS has room for: DIRECT. */
  SETUP_CODE_TOO_LARGE,

  // --- disks and networks ---
  /** There is no such file: another name. */
  DISK_ABSENT,
  /** The path is a directory: an image file or a block device. */
  DISK_DIRECTORY,
  /** A character device, a pipe or a socket: an image file or a block device. */
  DISK_NOT_A_DISK,
  /** The path leads nowhere that this user can see: other permissions on its directories. */
  DISK_UNREACHABLE,
  /** The file may not be written, but perhaps read: other permissions, or read-only. */
  DISK_NOT_WRITABLE,
  /** The file can't be opened: see to it and its permissions. */
  DISK_UNOPENABLE,
  /** Open for writing elsewhere, in this process or another: close it there. */
  DISK_IN_USE_FOR_WRITING,
  /** Open elsewhere, perhaps only for reading: close it there, or open all read-only. */
  DISK_IN_USE,
  /** The host has the block device mounted, or as a part of a volume: release it there. */
  DISK_USED_BY_HOST,
  /** The file system has no locks: a copy on one that has. */
  DISK_NOT_LOCKABLE,
  /** The length of the file can't be found out: see to the file. */
  DISK_UNMEASURABLE,
  /** The file has no bytes: give it a length, a multiple of 512. */
  DISK_EMPTY,
  /** The length is no multiple of 512: pad the file. */
  DISK_NOT_WHOLE_SECTORS,
  /** Direct I/O is wanted where there is none: do without it, or a copy elsewhere. */
  DISK_NO_DIRECT_IO,
  /** The length is no multiple of what direct writes are in: pad the file, or do without. */
  DISK_NOT_WHOLE_BLOCKS,
  /** An image of another format, which a guest would destroy: convert it. */
  DISK_OTHER_FORMAT,
  /** A compressed file: unpack it. */
  DISK_COMPRESSED,
  /** A program, a kernel or an archive, which a guest would destroy: another file. */
  DISK_PROGRAM,
  /** The block device does not tell its size: see to the device. */
  DISK_SIZE_UNKNOWN,
  /** The block device has no medium: insert or attach one. */
  DISK_NO_MEDIUM,
  /** The block device has blocks of a size that is not supported: an image file. */
  DISK_BLOCK_SIZE_UNSUPPORTED,
  /** The file became shorter while the machine ran: its content is lost. */
  DISK_SHRANK_IN_USE,
  /** A disk of the user's own can't be opened. */
  DISK_FAILED,
  /** What a network card is connected to can't be opened. */
  NETWORK_FAILED,
  /** The directory for temporary files is no place for a socket. */
  NETWORK_SOCKET_DIRECTORY,
  /** There is no such directory to share: another name. */
  SHARE_ABSENT,
  /** What is to be shared is no directory: the directory that it is in. */
  SHARE_NOT_A_DIRECTORY,
  /** The directory to be shared may not be read by this user: other permissions. */
  SHARE_FORBIDDEN,
  /** The directory to be shared can't be opened. */
  SHARE_FAILED,

  // --- a machine that exists ---
  /** The machine is not in a state in which that can be done. */
  STATE,
  /** The machine did not come to rest in time. */
  PAUSE_TIMEOUT,
  /** The guest did not print what was expected. */
  EXPECT,
  /** The machine ended meanwhile. */
  STOPPED
}
