// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.report;

import io.jkvm.machine.ConsoleStream;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Optional;
import java.util.Set;

/**
 * What the user of the command can do about a problem: the one place that names its options. The
 * switches are exhaustive, so a new problem does not compile without a line here.
 */
public final class Advice {
  private static final String NONE = "";

  private static final String MORE_THREADS =
      "end other processes, or raise the limit of them (ulimit -u, or a container's)";

  private Advice() {}

  /** What Java itself could not go on with, with what to do about it. */
  public static String line(Error e) {
    if (!(e instanceof OutOfMemoryError)) {
      return e + "; this is a defect of jkvm, or a file of it or of Java is damaged";
    }
    String facts = String.valueOf(e.getMessage());
    return facts.contains("native thread")
        ? facts + "; " + MORE_THREADS
        : "Java has no memory left (" + facts + "); give it more: JKVM_JAVA_OPTIONS=-Xmx2g";
  }

  /** The facts of a problem in one line, with what to do about it. */
  public static String line(MachineException e) {
    String advice = of(e.problem(), e.subject());
    return advice.isEmpty() ? e.getMessage() : e.getMessage() + "; " + advice;
  }

  /** What the host could not do, such as to write a log, with what to do about it. */
  public static String line(Exception failure) {
    if (failure instanceof MachineException problem) {
      return line(problem);
    }
    boolean isTooLarge =
        ConsoleStream.isBeyondFileSize(failure)
            || ConsoleStream.isBeyondFileSize(failure.getCause());
    return isTooLarge
        ? failure.getMessage() + "; raise the limit of file sizes (ulimit -f)"
        : failure.getMessage();
  }

  /** Why a machine ended, with what to do about it. */
  public static String line(StopReason reason, MachineSpec spec) {
    return switch (reason.kind()) {
      case EMULATION_FAILURE ->
          reason
              + System.lineSeparator()
              + "  Try a kernel or command line that avoids the instruction (clearcpuid=...),"
              + " hide it with --cpuid -FEATURE,"
              + System.lineSeparator()
              + "  or use a host whose processor has VT-x or AMD-V.";
      case GUEST_PANIC ->
          reason + PanicAdvice.of(reason.detail(), spec).map(what -> "; " + what).orElse(NONE);
      default -> reason.toString();
    };
  }

  /** The option whose value is to blame, if it is one's. */
  public static Optional<String> option(Problem problem) {
    return Optional.ofNullable(
        switch (problem) {
          case MEMORY_SIZE -> "--mem";
          case CPU_COUNT -> "--cpus";
          case CPU_FEATURE -> "--cpuid";
          case COMMAND_LINE_HAS_NUL -> "--cmdline";
          case DISK, DISK_ID, DISK_ID_TWICE, DISK_TWICE -> "--disk";
          case MAC_ADDRESS, NETWORK, CARD_TWICE, LINK -> "--net";
          case PUBLISHED_PORT -> "--publish";
          case SHARE, SHARE_TWICE -> "--share";
          case INCLUDE_HIDDEN -> "--include";
          case TOO_MANY_DEVICES -> "--virtio";
          default -> null;
        });
  }

  /** By whom its permissions let in; a group that may not use it is of no use. */
  private static String forbiddenDevice(String device) {
    try {
      PosixFileAttributes file = Files.readAttributes(Path.of(device), PosixFileAttributes.class);
      boolean groupMay =
          file.permissions()
              .containsAll(Set.of(PosixFilePermission.GROUP_READ, PosixFilePermission.GROUP_WRITE));
      if (groupMay && !file.group().getName().equals("root")) {
        String group = file.group().getName();
        if (group.matches("[0-9]+")) {
          return "its group, "
              + group
              + ", has no name here; make one with 'sudo groupadd -g "
              + group
              + " kvm', join it with 'sudo usermod -aG kvm $USER' and log in again";
        }
        return "join its group with 'sudo usermod -aG " + group + " $USER' and log in again";
      }
    } catch (IOException | UnsupportedOperationException e) {
      return "see 'ls -l " + device + "'";
    }
    return "it is for its owner alone; let others in with 'sudo chmod a+rw " + device + "'";
  }

  /** What to do; empty where the facts say it. */
  static String of(Problem problem, String subject) {
    return switch (problem) {
      case MEMORY_SIZE -> "give at least 64M, as in --mem 512M";
      case CPU_COUNT -> "give one, as in --cpus 2";
      case DISK_ID -> "give another id=";
      case DISK_ID_TWICE -> "give each its own id=";
      case DISK_TWICE -> "leave one out, or give both as FILE,ro";
      case MAC_ADDRESS -> "give one as in mac=02:00:00:00:00:01";
      case CARD_TWICE -> "each needs its own";
      case PUBLISHED_PORT -> "write it as in --publish 127.0.0.1:8080:80, each port once";
      case TOO_MANY_DEVICES -> "give fewer disks and networks; --virtio=mmio has room for 64";

      case KVM_ABSENT ->
          "load KVM with 'modprobe kvm_intel' or 'modprobe kvm_amd', and enable virtualization in"
              + " the firmware setup";
      case KVM_FORBIDDEN -> forbiddenDevice(subject);
      case KVM_NOT_KVM -> "name one with --kvm, as a rule /dev/kvm";
      case MORE_CPUS_THAN_KVM -> "give less with --cpus";
      case MORE_MEMORY_THAN_HOST -> "give less with --mem";

      case HOST_FILES -> "raise the limit of open files, as in ulimit -n 4096";
      case HOST_MEMORY -> "give less with --mem, or lift the limits of memory (ulimit -v, -d)";
      case HOST_THREADS -> MORE_THREADS;

      case KERNEL_ABSENT -> "check the name given to --kernel";
      case KERNEL_DIRECTORY -> "name the bzImage or vmlinux file in it";
      case KERNEL_NOT_A_FILE -> "copy the kernel to a file and name that";
      case KERNEL_FORBIDDEN -> "make it readable with chmod a+r";
      case KERNEL_UNREADABLE -> "check the file and its disk";
      case KERNEL_EMPTY -> "build or copy the kernel again";
      case KERNEL_TRUNCATED -> "copy it again";
      case KERNEL_DAMAGED -> "build or copy it again";
      case KERNEL_OTHER_ARCHITECTURE -> "give one built for x86-64";
      case KERNEL_NOT_64_BIT -> "give a 64-bit x86-64 vmlinux, or the bzImage";
      case KERNEL_EFI_ONLY -> "give the bzImage or the vmlinux that it was made of";
      case KERNEL_UBOOT_IMAGE -> "give the bzImage or vmlinux it was made of";
      case KERNEL_INITRAMFS -> "give it with --initrd, and a kernel with --kernel";
      case KERNEL_COMPRESSED ->
          "unpack it first if it is a vmlinux, or give it with --initrd if it is an initramfs";
      case KERNEL_DISK_IMAGE -> "give it with --disk, and a bzImage or vmlinux with --kernel";
      case KERNEL_TEXT, KERNEL_USER_PROGRAM -> "give a bzImage or a vmlinux";
      case KERNEL_NOT_A_KERNEL -> "give a bzImage (arch/x86/boot/bzImage) or an ELF vmlinux";
      case KERNEL_NOT_EXECUTABLE -> "give the vmlinux";
      case KERNEL_NOTHING_TO_LOAD -> "give the vmlinux that make built";
      case KERNEL_OLD_PROTOCOL -> "give a newer kernel";
      case KERNEL_ZIMAGE -> "build it with make bzImage";
      case KERNEL_PAYLOAD_UNKNOWN -> "use --boot=bzimage";
      case KERNEL_HEAP_TOO_SMALL -> "give java a larger -Xmx";
      case KERNEL_NOT_IN_DIRECTORY -> "build it with make bzImage, or name the file";
      case KERNEL_SEVERAL -> "name one of them";
      case KERNEL_CONFIG -> "name another file";
      case MODULES_ABSENT -> "build them with make modules, or name another directory";
      case MODULE_UNREADABLE -> "check the file and its disk";
      case MODULE_DAMAGED -> "build or copy it again";
      case MODULE_OTHER_KERNEL -> "build the modules again with the kernel, or name the right ones";

      case MEMORY_TOO_SMALL -> "give more --mem";
      case KERNEL_TOO_LOW -> "link it at 1 MiB or above";
      case KERNEL_TOO_HIGH -> "link it lower";
      case INITRD_TOO_LARGE -> "make it smaller";
      case INITRD_ABSENT -> "check the name given to --initrd";
      case INITRD_DIRECTORY -> "name a cpio archive";
      case INITRD_NOT_A_FILE -> "copy it to one";
      case INITRD_OTHER_FORMAT -> "name a cpio archive, compressed or not";
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

      case DISK_ABSENT -> "check the name";
      case DISK_DIRECTORY -> "give an image file or a block device";
      case DISK_NOT_A_DISK -> "give one of these";
      case DISK_UNREACHABLE -> "check the permissions";
      case DISK_NOT_WRITABLE -> "make it writable or add ,ro to the disk";
      case DISK_UNOPENABLE -> "check the file and its permissions";
      case DISK_IN_USE_FOR_WRITING -> "stop the jkvm that has it first";
      case DISK_IN_USE -> "stop the jkvm that has it, give it once, or open it with ,ro everywhere";
      case DISK_USED_BY_HOST -> "unmount it (see lsblk " + subject + "), or add ,ro to the disk";
      case DISK_NOT_LOCKABLE -> "copy it to a file system that supports locks";
      case DISK_UNMEASURABLE -> "check the file";
      case DISK_EMPTY -> "give it a size first: truncate -s 1G " + subject;
      case DISK_NOT_WHOLE_SECTORS -> "pad it first: truncate -s %512 " + subject;
      case DISK_NO_DIRECT_IO -> "leave out ,direct, or copy it to a file system that has it";
      case DISK_NOT_WHOLE_BLOCKS ->
          "leave out ,direct, or pad it first, to what is one in any case: truncate -s %64K "
              + subject;
      case DISK_OTHER_FORMAT ->
          "convert it, as in qemu-img convert -O raw "
              + subject
              + " disk.img, or add ,format=raw if these are the bytes of a disk";
      case DISK_COMPRESSED -> "unpack it first, or add ,format=raw if these are a disk's bytes";
      case DISK_PROGRAM -> "give another file, or add ,format=raw if these are a disk's bytes";
      case DISK_SIZE_UNKNOWN -> "check it";
      case DISK_NO_MEDIUM -> "insert or attach one";
      case DISK_BLOCK_SIZE_UNSUPPORTED -> "use an image file";

      case SHARE -> "give another place, as in --share DIR:/mnt";
      case SHARE_TWICE -> "give each a place of its own, as in --share DIR:/mnt";
      case INCLUDE_HIDDEN -> "give another place, as in --include FILE:/opt/file";
      case SHARE_ABSENT -> "check the name";
      case SHARE_NOT_A_DIRECTORY -> "share the directory that it is in";
      case SHARE_FORBIDDEN -> "check the permissions";

      case NETWORK_SOCKET_DIRECTORY ->
          "name another directory for temporary files, as in"
              + " JKVM_JAVA_OPTIONS=-Djava.io.tmpdir=/tmp";

      case INCOMPLETE,
          NAME,
          CPU_FEATURE,
          DISK,
          NETWORK,
          LINK,
          DEVICE,
          KVM_TOO_OLD,
          HOST,
          DISK_SHRANK_IN_USE,
          DISK_FAILED,
          NETWORK_FAILED,
          SHARE_FAILED,
          STATE,
          PAUSE_TIMEOUT,
          EXPECT,
          STOPPED ->
          NONE;
    };
  }
}
