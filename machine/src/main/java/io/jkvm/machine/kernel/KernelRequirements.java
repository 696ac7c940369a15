// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import static io.jkvm.machine.kernel.KernelRequirement.Level.NEEDED;
import static io.jkvm.machine.kernel.KernelRequirement.Level.RECOMMENDED;
import static io.jkvm.machine.kernel.KernelRequirement.Option.builtIn;
import static io.jkvm.machine.kernel.KernelRequirement.Option.orModule;
import static io.jkvm.machine.kernel.Purpose.COMMAND;
import static io.jkvm.machine.kernel.Purpose.DISK;
import static io.jkvm.machine.kernel.Purpose.KUNIT;
import static io.jkvm.machine.kernel.Purpose.MODULES;
import static io.jkvm.machine.kernel.Purpose.NETWORK;
import static io.jkvm.machine.kernel.Purpose.REPORTS;
import static io.jkvm.machine.kernel.Purpose.ROOT_HOST;
import static io.jkvm.machine.kernel.Purpose.ROOT_IMAGE;
import static io.jkvm.machine.kernel.Purpose.SHARE;
import static io.jkvm.machine.kernel.Purpose.TERMINAL;
import static java.util.Collections.disjoint;

import io.jkvm.machine.kernel.KernelRequirement.Level;
import io.jkvm.machine.kernel.KernelRequirement.Option;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** What each {@link Purpose} requires of a kernel's configuration; of Linux 5.4 and later. */
public final class KernelRequirements {
  private static final Option OVERLAY = orModule("OVERLAY_FS", "overlay");
  private static final Option TTY = builtIn("TTY");

  private static final List<KernelRequirement> ALL =
      List.of(
          of(NEEDED, "programs of 64 bits", builtIn("64BIT"), COMMAND),
          of(NEEDED, "programs", builtIn("BINFMT_ELF"), COMMAND),
          of(NEEDED, "the agent comes in an initramfs", builtIn("BLK_DEV_INITRD"), COMMAND),
          of(NEEDED, "panics and oopses are found in the log", builtIn("PRINTK"), COMMAND),
          of(
              NEEDED,
              "the log is read from the serial console",
              builtIn("SERIAL_8250_CONSOLE", "TTY", "SERIAL_8250"),
              COMMAND),
          anyOf(
              NEEDED,
              "the machine's devices",
              List.of(
                  orModule("VIRTIO_PCI", "virtio_pci", "PCI", "VIRTIO_MENU"),
                  orModule("VIRTIO_MMIO", "virtio_mmio", "VIRTIO_MENU")),
              COMMAND),
          anyOf(
              NEEDED,
              "the agent's channel to the host",
              List.of(
                  orModule("VIRTIO_CONSOLE", "virtio_console", "TTY"),
                  orModule("VIRTIO_VSOCKETS", "vmw_vsock_virtio_transport", "NET", "VSOCKETS")),
              COMMAND),
          of(RECOMMENDED, "interrupts of their own for queues", builtIn("PCI_MSI", "PCI"), COMMAND),
          of(
              RECOMMENDED,
              "scripts as commands",
              orModule("BINFMT_SCRIPT", "binfmt_script"),
              COMMAND),
          of(RECOMMENDED, "device files of all devices in /dev", builtIn("DEVTMPFS"), COMMAND),
          of(RECOMMENDED, "/proc; the agent's safety from OOM", builtIn("PROC_FS"), COMMAND),
          of(NEEDED, "the agent finds its channel in /sys", builtIn("SYSFS"), COMMAND),
          of(RECOMMENDED, "/tmp and /run", builtIn("TMPFS", "SHMEM"), COMMAND),
          of(RECOMMENDED, "another user than root", builtIn("MULTIUSER"), COMMAND),
          of(RECOMMENDED, "programs with threads", builtIn("FUTEX"), COMMAND),
          of(RECOMMENDED, "programs that wait for files", builtIn("EPOLL"), COMMAND),
          of(RECOMMENDED, "programs that wait for events", builtIn("EVENTFD"), COMMAND),
          of(RECOMMENDED, "programs that wait for signals", builtIn("SIGNALFD"), COMMAND),
          of(RECOMMENDED, "programs that wait for timers", builtIn("TIMERFD"), COMMAND),
          of(RECOMMENDED, "clocks and timers of programs", builtIn("POSIX_TIMERS"), COMMAND),
          of(RECOMMENDED, "locks on files", builtIn("FILE_LOCKING"), COMMAND),
          of(RECOMMENDED, "programs that open terminals", builtIn("UNIX98_PTYS", "TTY"), COMMAND),
          of(RECOMMENDED, "local sockets", orModule("UNIX", "unix", "NET"), COMMAND),
          of(RECOMMENDED, "what a command leaves behind is killed", builtIn("CGROUPS"), COMMAND),
          of(
              RECOMMENDED,
              "the host's clock, and quiet watchdogs after a pause",
              builtIn("KVM_GUEST", "HYPERVISOR_GUEST", "PARAVIRT"),
              COMMAND),
          of(NEEDED, "terminals", TTY, TERMINAL),
          of(NEEDED, "the command's terminal", builtIn("UNIX98_PTYS", "TTY"), TERMINAL),
          of(
              NEEDED,
              "the image's device",
              orModule("VIRTIO_BLK", "virtio_blk", "BLOCK", "BLK_DEV"),
              ROOT_IMAGE),
          anyOf(
              NEEDED,
              "the image's file system",
              List.of(
                  orModule("EXT4_FS", "ext4", "BLOCK"),
                  orModule("XFS_FS", "xfs", "BLOCK"),
                  orModule("BTRFS_FS", "btrfs", "BLOCK"),
                  orModule("F2FS_FS", "f2fs", "BLOCK"),
                  orModule("EROFS_FS", "erofs", "BLOCK"),
                  orModule("SQUASHFS", "squashfs", "BLOCK")),
              ROOT_IMAGE),
          of(NEEDED, "writes beside the image", OVERLAY, ROOT_IMAGE),
          of(NEEDED, "where these writes go", builtIn("TMPFS", "SHMEM"), ROOT_IMAGE),
          new KernelRequirement(
              Set.of(ROOT_IMAGE, ROOT_HOST),
              RECOMMENDED,
              List.of(List.of(builtIn("TMPFS_XATTR", "TMPFS"))),
              "directories of the root can be removed and renamed"),
          of(NEEDED, "disks", orModule("VIRTIO_BLK", "virtio_blk", "BLOCK", "BLK_DEV"), DISK),
          new KernelRequirement(
              Set.of(SHARE, ROOT_HOST),
              NEEDED,
              List.of(
                  List.of(orModule("VIRTIO_FS", "virtiofs", "FUSE_FS")),
                  List.of(
                      orModule("9P_FS", "9p", "NET", "NET_9P", "NETWORK_FILESYSTEMS"),
                      orModule("NET_9P_VIRTIO", "9pnet_virtio", "NET", "NET_9P"))),
              "the host's directories"),
          of(NEEDED, "writes beside the host's files", OVERLAY, ROOT_HOST),
          of(NEEDED, "memory for these writes", builtIn("TMPFS", "SHMEM"), ROOT_HOST),
          of(
              NEEDED,
              "the network card",
              orModule("VIRTIO_NET", "virtio_net", "NET", "NETDEVICES", "NET_CORE"),
              NETWORK),
          of(RECOMMENDED, "IPv4", builtIn("INET", "NET"), NETWORK),
          of(NEEDED, "modules", builtIn("MODULES"), MODULES),
          of(RECOMMENDED, "rmmod", builtIn("MODULE_UNLOAD", "MODULES"), MODULES),
          of(RECOMMENDED, "reports of BUG and WARN", builtIn("BUG"), REPORTS),
          of(RECOMMENDED, "names of functions in reports", builtIn("KALLSYMS"), REPORTS),
          of(
              RECOMMENDED,
              "reports of soft lockups",
              builtIn("SOFTLOCKUP_DETECTOR", "DEBUG_KERNEL"),
              REPORTS),
          of(
              RECOMMENDED,
              "reports of tasks that hang",
              builtIn("DETECT_HUNG_TASK", "DEBUG_KERNEL"),
              REPORTS),
          of(RECOMMENDED, "the state of all tasks after a hang", builtIn("MAGIC_SYSRQ"), REPORTS),
          of(
              RECOMMENDED,
              "what this kernel lacks is told before it boots",
              builtIn("IKCONFIG"),
              REPORTS),
          of(NEEDED, "the kernel's unit tests", orModule("KUNIT", "kunit"), KUNIT));

  private KernelRequirements() {}

  private static KernelRequirement of(Level level, String reason, Option option, Purpose purpose) {
    return anyOf(level, reason, List.of(option), purpose);
  }

  private static KernelRequirement anyOf(
      Level level, String reason, List<Option> options, Purpose purpose) {
    return new KernelRequirement(
        Set.of(purpose), level, options.stream().map(List::of).toList(), reason);
  }

  /**
   * All that some purposes require, what is needed and what is recommended. {@link Purpose#COMMAND}
   * is one of them, given or not.
   */
  public static List<KernelRequirement> of(Set<Purpose> purposes) {
    return ALL.stream()
        .filter(it -> it.purposes().contains(COMMAND) || !disjoint(it.purposes(), purposes))
        .toList();
  }

  /**
   * A requirement that a kernel does not meet.
   *
   * @param options what it lacks, as {@link KernelRequirement#lacking} says it
   */
  public record Missing(KernelRequirement requirement, String options) {
    /** True if the purpose can't be met without. */
    public boolean isNeeded() {
      return requirement.level() == NEEDED;
    }

    /** One line: the options, and what they are for. */
    @Override
    public String toString() {
      return options + ": " + requirement.reason();
    }
  }

  /**
   * What a kernel lacks, what is needed first.
   *
   * @param moduleAvailable tells if a module of this name can be loaded in time, so that an option
   *     which is {@code m} counts
   */
  public static List<Missing> missing(
      KernelConfig config, Set<Purpose> purposes, Predicate<String> moduleAvailable) {
    return of(purposes).stream()
        .filter(it -> !it.isMet(config, moduleAvailable))
        .map(it -> new Missing(it, it.lacking(config, moduleAvailable)))
        .sorted((one, other) -> Boolean.compare(other.isNeeded(), one.isNeeded()))
        .toList();
  }

  /**
   * A fragment of a configuration for {@code scripts/kconfig/merge_config.sh} that has all that the
   * purposes require, the best of each alternative built in, and what these options depend on.
   */
  public static String fragment(Set<Purpose> purposes) {
    StringBuilder text = new StringBuilder();
    String names = purposes.stream().sorted().map(Purpose::name).collect(Collectors.joining(", "));
    text.append("# What jkvm needs of a kernel for\n# ").append(names).append('\n');
    Set<String> written = new LinkedHashSet<>();
    for (Level level : Level.values()) {
      text.append(level == NEEDED ? "" : "\n# From here on recommended, none of it needed.\n");
      of(purposes).stream()
          .filter(requirement -> requirement.level() == level)
          .forEach(requirement -> append(text, requirement, written));
    }
    return text.toString();
  }

  private static void append(
      StringBuilder text, KernelRequirement requirement, Set<String> written) {
    Set<String> options = new LinkedHashSet<>();
    for (Option option : requirement.alternatives().get(0)) {
      options.addAll(option.prompts());
      options.add(option.name());
    }
    options.removeAll(written);
    if (!options.isEmpty()) {
      text.append("\n# ").append(comment(requirement)).append('\n');
      options.forEach(name -> text.append("CONFIG_").append(name).append("=y\n"));
      written.addAll(options);
    }
  }

  private static String comment(KernelRequirement requirement) {
    String others =
        requirement.alternatives().stream()
            .skip(1)
            .map(all -> all.stream().map(Option::name).collect(Collectors.joining(" and ")))
            .collect(Collectors.joining(", or "));
    return (requirement.level() == NEEDED ? "needed: " : "recommended: ")
        + requirement.reason()
        + (others.isEmpty() ? "" : " (or instead: " + others + ")");
  }
}
