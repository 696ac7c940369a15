// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.firmware.boot.BootMode;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A machine as the user asked for it, complete and checked for form; files are not open yet.
 *
 * @param kernel a bzImage or an ELF vmlinux
 * @param initrds files that make up the initial RAM disk, in this order; empty for none
 * @param nets network cards, in the order of eth0, eth1 and so on
 * @param memoryBytes size of RAM
 * @param cpus number of vCPUs
 * @param rng whether there is a virtio-rng
 * @param commandLine what the user added to the default kernel command line
 * @param commandLineOnly replaces the defaults where present
 * @param cpuid changes to the CPUID table, "-cx16" style
 * @param kvmDevice {@code /dev/kvm} as a rule
 */
record VmConfig(
    Path kernel,
    List<Path> initrds,
    List<DiskConfig> disks,
    List<NetConfig> nets,
    long memoryBytes,
    int cpus,
    OnReboot onReboot,
    BootMode bootMode,
    VirtioTransport virtio,
    boolean rng,
    String commandLine,
    Optional<String> commandLineOnly,
    List<String> cpuid,
    String kvmDevice) {

  VmConfig {
    initrds = List.copyOf(initrds);
    disks = List.copyOf(disks);
    nets = List.copyOf(nets);
    cpuid = List.copyOf(cpuid);
  }
}
