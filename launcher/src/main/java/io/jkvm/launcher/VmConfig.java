// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A machine as the user asked for it, complete and checked for form; files are not open yet.
 *
 * @param kernel a bzImage or an ELF vmlinux
 * @param memoryBytes size of RAM
 * @param commandLine what the user added to the default kernel command line
 * @param commandLineOnly replaces the defaults where present
 * @param cpuid changes to the CPUID table, "-cx16" style
 * @param kvmDevice {@code /dev/kvm} as a rule
 */
record VmConfig(
    Path kernel,
    Optional<Path> initrd,
    List<DiskConfig> disks,
    long memoryBytes,
    BootMode bootMode,
    String commandLine,
    Optional<String> commandLineOnly,
    List<String> cpuid,
    String kvmDevice) {

  VmConfig {
    disks = List.copyOf(disks);
    cpuid = List.copyOf(cpuid);
  }
}
