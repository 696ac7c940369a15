// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Options of QEMU, lkvm and virtme-ng that are typed by habit, with jkvm's word for each. */
public final class ForeignOptions {
  private static final String LEAVE_OUT = "leave it out";
  private static final String THE_CONSOLE = "leave it out: the guest's console is this terminal";

  /** By their names without dashes. Those that jkvm has too are for its own with two dashes. */
  private static final Map<String, String> ADVICE =
      Map.ofEntries(
          Map.entry("accel", LEAVE_OUT + ": it is always KVM"),
          Map.entry("append", "--cmdline TEXT"),
          Map.entry("bios", LEAVE_OUT + ": jkvm has its own"),
          Map.entry("boot", "--boot=WAY"),
          Map.entry("cdrom", "--disk FILE,ro"),
          Map.entry("console", THE_CONSOLE),
          Map.entry("cpu", "--cpuid -NAME,+NAME"),
          Map.entry("cpus", "--cpus N"),
          Map.entry("device", "--disk or --net"),
          Map.entry("disk", "--disk FILE"),
          Map.entry("display", LEAVE_OUT + ": there is no display"),
          Map.entry("drive", "--disk FILE"),
          Map.entry("enable-kvm", LEAVE_OUT + ": it is always KVM"),
          Map.entry("force-initramfs", "--initrd FILE"),
          Map.entry("hda", "--disk FILE"),
          Map.entry("hdb", "--disk FILE, twice"),
          Map.entry("initrd", "--initrd FILE"),
          Map.entry("kdir", "--kernel FILE"),
          Map.entry("kernel", "--kernel FILE"),
          Map.entry("kimg", "--kernel FILE"),
          Map.entry("kopt", "--cmdline TEXT"),
          Map.entry("M", LEAVE_OUT + ": there is one machine"),
          Map.entry("machine", LEAVE_OUT + ": there is one machine"),
          Map.entry("memory", "--mem SIZE"),
          Map.entry("monitor", LEAVE_OUT + ": there is no monitor, Ctrl-A h lists the keys"),
          Map.entry("n", "--net user"),
          Map.entry("net", "--net user"),
          Map.entry("netdev", "--net user"),
          Map.entry("network", "--net user"),
          Map.entry("nic", "--net user"),
          Map.entry("no-reboot", LEAVE_OUT + ": a reset ends the machine anyway"),
          Map.entry("nodefaults", LEAVE_OUT),
          Map.entry("nographic", THE_CONSOLE),
          Map.entry("p", "--cmdline TEXT"),
          Map.entry("params", "--cmdline TEXT"),
          Map.entry("qemu-opts", LEAVE_OUT),
          Map.entry("run", "--kernel FILE"),
          Map.entry("rw", "--disk FILE, which is writable without ,ro"),
          Map.entry("serial", THE_CONSOLE),
          Map.entry("smp", "--cpus N"),
          Map.entry("snapshot", "a copy of the disk, or --disk FILE,ro"),
          Map.entry("vga", LEAVE_OUT + ": there is no display"));

  private ForeignOptions() {}

  /** Of QEMU alone: what they ask for is not in jkvm, or is always so. */
  private static final Set<String> WITHOUT_COUNTERPART =
      Set.of(
          "action",
          "audio",
          "audiodev",
          "blockdev",
          "chardev",
          "clock",
          "compat",
          "cpu-pm",
          "daemonize",
          "debugcon",
          "dfilter",
          "dtb",
          "fsdev",
          "full-screen",
          "fw_cfg",
          "gdb",
          "global",
          "icount",
          "incoming",
          "iscsi",
          "keyboard",
          "loadvm",
          "mem-path",
          "mem-prealloc",
          "mon",
          "mtdblock",
          "name",
          "no-acpi",
          "no-hpet",
          "no-shutdown",
          "no-user-config",
          "numa",
          "object",
          "only-migratable",
          "option-rom",
          "overcommit",
          "parallel",
          "pidfile",
          "plugin",
          "preconfig",
          "qmp",
          "qmp-pretty",
          "readconfig",
          "rtc",
          "runas",
          "sandbox",
          "sdl",
          "seed",
          "set",
          "singlestep",
          "smbios",
          "soundhw",
          "spice",
          "tb-size",
          "tpmdev",
          "trace",
          "uuid",
          "virtfs",
          "virtioconsole",
          "vnc",
          "watchdog",
          "watchdog-action",
          "writeconfig");

  /** What to type in place of an argument; empty for one that is not known here. */
  public static Optional<String> advice(String argument) {
    String name = argument.replaceFirst("^--?", "").replaceFirst("=.*", "");
    if (!argument.startsWith("-")) {
      return Optional.empty();
    }
    String advice = ADVICE.get(name);
    if (advice == null && !argument.startsWith("--") && WITHOUT_COUNTERPART.contains(name)) {
      advice = LEAVE_OUT;
    }
    return Optional.ofNullable(advice);
  }

  /**
   * Whether an argument is such an option with one dash and several letters: jkvm's own short
   * options would take "-kernel" for "-k ernel".
   */
  public static boolean isLongWithOneDash(String argument) {
    return argument.matches("-[a-z][a-z_-]+(=.*)?") && advice(argument).isPresent();
  }
}
