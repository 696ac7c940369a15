// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.core.probe.RingZeroFeature;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Puts the kernel's command line together. */
final class KernelCommandLine {
  /** Output on the serial port; a panic or reboot ends the machine through the i8042. */
  private static final String DEFAULTS = "console=ttyS0 panic=-1 reboot=k";

  /**
   * What Linux must leave out where KVM interprets CPL 0: work that only costs time there. And it
   * is so slow there that an initcall may take longer than the 20 s after which Linux says that a
   * processor is stuck, once the host has other work: it waits for 120 s, the most it can.
   */
  private static final String INTERPRETED =
      "nokaslr mitigations=off rodata=off no_timer_check watchdog_thresh=60";

  /** "rep movsb" and "rep stosb" are a step of the interpreter for each byte. */
  private static final String SLOW_IF_INTERPRETED = "clearcpuid=erms,fsrm";

  /**
   * Features that Linux uses at CPL 0 wherever it sees them. It looks up each name among 700, about
   * 10 ms where it is interpreted, so those of optional parts, such as ciphers, are not here.
   */
  private static final List<RingZeroFeature> USED_AT_ONCE =
      List.of(
          RingZeroFeature.CX16,
          RingZeroFeature.POPCNT,
          RingZeroFeature.SMAP,
          RingZeroFeature.SMEP,
          RingZeroFeature.RDTSCP,
          RingZeroFeature.RDPID,
          RingZeroFeature.INVPCID);

  private static final Pattern LINE_ENDS = Pattern.compile("[ \\t]*[\\r\\n]+[ \\t]*");

  private KernelCommandLine() {}

  /**
   * The whole command line.
   *
   * @param host what the probe found
   * @param devices announcements of the virtio devices, in order
   */
  static String of(MachineSpec spec, HostCapabilities host, List<String> devices) {
    List<String> parts = new ArrayList<>();
    if (spec.commandLineOnly().isPresent()) {
      parts.add(spec.commandLineOnly().get());
    } else {
      parts.add(DEFAULTS);
      if (host.interpretsRingZero()) {
        parts.add(INTERPRETED);
        parts.add(hidden(host));
      }
      if (!spec.disks().isEmpty() && !mentionsRoot(spec.commandLine())) {
        parts.add(rootParameters(spec.disks().get(0)));
      }
    }
    parts.addAll(devices);
    if (spec.commandLineOnly().isEmpty()) {
      parts.add(spec.commandLine());
    }
    // A line end is a space to Linux, but not to programs that read /proc/cmdline line by line.
    return parts.stream()
        .map(part -> LINE_ENDS.matcher(part).replaceAll(" "))
        .filter(part -> !part.isBlank())
        .collect(Collectors.joining(" "));
  }

  /** Hides from Linux what the guest's CPUID table can't hide. */
  private static String hidden(HostCapabilities host) {
    StringBuilder text = new StringBuilder(SLOW_IF_INTERPRETED);
    for (RingZeroFeature feature : USED_AT_ONCE) {
      if (isStubborn(host, feature)) {
        text.append(',').append(feature.linuxName());
      }
    }
    return text.toString();
  }

  private static boolean isStubborn(HostCapabilities host, RingZeroFeature feature) {
    return host.missing().contains(feature) && host.alwaysVisible().contains(feature);
  }

  private static String rootParameters(DiskSpec disk) {
    return "root=/dev/vda " + (disk.readOnly() ? "ro" : "rw");
  }

  private static boolean mentionsRoot(String text) {
    return Stream.of(text.split("\\s+")).anyMatch(word -> word.startsWith("root="));
  }
}
