// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.report;

/** What can be wrong; each says whose turn it is to change something. */
public enum Problem {
  // --- a specification that can't be ---
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
  /** One image that two disks would write. */
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
  /** The host refused something: a descriptor, memory, a thread. */
  HOST,

  // --- the kernel and what belongs to it ---
  /** The kernel's file can't be read. */
  KERNEL_UNREADABLE,
  /** The file is no kernel that can be booted here. */
  KERNEL_FORMAT,
  /** The kernel is an uncompressed ELF file, which has no setup code for this way of booting. */
  KERNEL_WITHOUT_SETUP,
  /** The kernel has no entry of the kind that this way of booting needs. */
  KERNEL_WITHOUT_ENTRY,
  /** The kernel can't be unpacked. */
  KERNEL_PAYLOAD,
  /** The kernel does not fit into the guest's memory. */
  KERNEL_TOO_LARGE,
  /** An initial RAM disk can't be read. */
  INITRD_UNREADABLE,
  /** The initial RAM disk does not fit into the guest's memory. */
  INITRD_TOO_LARGE,
  /** The kernel takes a shorter command line. */
  COMMAND_LINE_TOO_LONG,
  /** The command line has a character that can't be passed. */
  COMMAND_LINE,

  // --- disks and networks ---
  /** There is no such image. */
  DISK_ABSENT,
  /** The image must not be opened by this user in this way. */
  DISK_FORBIDDEN,
  /** Another process, or another disk of this machine, has the image open. */
  DISK_IN_USE,
  /** The image is not a whole number of sectors. */
  DISK_SIZE,
  /** The file is not a disk image. */
  DISK_FORMAT,
  /** The image can't be opened or used. */
  DISK_FAILED,
  /** What a network card is connected to can't be opened. */
  NETWORK_FAILED,

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
