// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Puts the kernel's command line together. */
final class KernelCommandLine {
  /** Output on the serial port; a panic or reboot ends the machine through the i8042. */
  private static final String DEFAULTS = "console=ttyS0 panic=-1 reboot=k";

  /**
   * What Linux must leave out where KVM interprets ring 0: instructions that the interpreter lacks
   * (the kernel sees some of them whatever CPUID says), and work that only costs time there.
   */
  private static final String SOFTWARE_KVM =
      "nokaslr mitigations=off noxsave rodata=off"
          + " clearcpuid=cx16,erms,fsrm,popcnt,smap,smep no_timer_check";

  private KernelCommandLine() {}

  /**
   * The whole command line.
   *
   * @param hardware false on a KVM that interprets the guest's kernel
   * @param devices announcements of the virtio devices, in order
   */
  static String of(VmConfig config, boolean hardware, List<String> devices) {
    List<String> parts = new ArrayList<>();
    if (config.commandLineOnly().isPresent()) {
      parts.add(config.commandLineOnly().get());
    } else {
      parts.add(DEFAULTS);
      if (!hardware) {
        parts.add(SOFTWARE_KVM);
      }
      if (!config.disks().isEmpty() && !mentionsRoot(config.commandLine())) {
        parts.add(config.initrd().isPresent() ? "" : rootParameters(config.disks().get(0)));
      }
    }
    parts.addAll(devices);
    if (config.commandLineOnly().isEmpty()) {
      parts.add(config.commandLine());
    }
    return parts.stream().filter(part -> !part.isBlank()).collect(Collectors.joining(" "));
  }

  private static String rootParameters(DiskConfig disk) {
    return "root=/dev/vda " + (disk.readOnly() ? "ro" : "rw");
  }

  private static boolean mentionsRoot(String text) {
    return Stream.of(text.split("\\s+")).anyMatch(word -> word.startsWith("root="));
  }
}
