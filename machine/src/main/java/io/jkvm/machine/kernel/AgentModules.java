// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The drivers and file systems that stock kernels have as modules and that are wanted before
 * anything of the guest's own runs. Each kernel lacks some, or has them in itself.
 */
public final class AgentModules {
  private AgentModules() {}

  /**
   * The names of the modules for some purposes, in the order in which they are wanted. They are to
   * be resolved ({@link KernelModules#resolve}); that one is absent says nothing, as the kernel may
   * have it in itself under another name, or never have had it.
   */
  public static List<String> names(Set<Purpose> purposes) {
    Set<String> names = new LinkedHashSet<>();
    purposes.stream().sorted().forEach(purpose -> names.addAll(of(purpose)));
    return new ArrayList<>(names);
  }

  private static List<String> of(Purpose purpose) {
    return switch (purpose) {
      case COMMAND ->
          List.of(
              "virtio_pci",
              "virtio_mmio",
              "vmw_vsock_virtio_transport",
              "virtio_console",
              // Before Linux 5.18 a program that reads random numbers may wait for this one.
              "virtio_rng",
              "unix",
              "binfmt_script");
      // crc32c_generic: file systems ask for the algorithm, not for the module. Which file system
      // it is only the image tells.
      case ROOT_IMAGE -> List.of("virtio_blk", "crc32c_generic", "overlay");
      case DISK -> List.of("virtio_blk");
      case ROOT_HOST -> List.of("virtiofs", "9pnet_virtio", "9p", "overlay");
      case SHARE -> List.of("virtiofs", "9pnet_virtio", "9p");
      case NETWORK -> List.of("virtio_net", "af_packet");
      case KUNIT -> List.of("kunit");
      case TERMINAL, MODULES, REPORTS -> List.of();
    };
  }
}
