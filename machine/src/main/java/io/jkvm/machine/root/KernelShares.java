// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import io.jkvm.machine.kernel.KernelConfig;
import io.jkvm.machine.kernel.KernelModules;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.spec.AgentTransport;
import io.jkvm.machine.spec.ShareProtocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How a kernel can have directories of the host and the agent's channel, as far as that is known
 * before it boots: by its configuration, and by the modules that belong to it.
 */
public final class KernelShares {
  private final KernelSource kernel;

  // Guarded by this; null until they are asked for.
  private Optional<KernelConfig> config;
  private KernelModules modules;

  private KernelShares(KernelSource kernel) {
    this.kernel = kernel;
  }

  /**
   * Of a kernel, which is read when something is asked, and once: milliseconds, or a second where
   * the configuration is in a packed image alone.
   */
  public static KernelShares of(KernelSource kernel) {
    return new KernelShares(kernel);
  }

  /** The kernel's configuration, for whoever else wants to know it. */
  public synchronized Optional<KernelConfig> config() {
    if (config == null) {
      config = kernel.config();
    }
    return config;
  }

  private synchronized KernelModules modules() {
    if (modules == null) {
      modules = KernelModules.of(kernel);
    }
    return modules;
  }

  /** The protocol to share by, the better one if there are two; empty if none is known of. */
  public Optional<ShareProtocol> protocol() {
    if (has("VIRTIO_FS", "virtiofs")) {
      return Optional.of(ShareProtocol.VIRTIO_FS);
    }
    return has("9P_FS", "9p") && has("NET_9P_VIRTIO", "9pnet_virtio")
        ? Optional.of(ShareProtocol.NINE_P)
        : Optional.empty();
  }

  /** Whether the host's root can be the guest's. */
  public boolean canBeRoot() {
    return lack().isEmpty();
  }

  /** What is missing for the host's root to be the guest's, as far as is known, by its options. */
  public Optional<String> lack() {
    List<String> missing = new ArrayList<>();
    if (protocol().isEmpty()) {
      missing.add("CONFIG_VIRTIO_FS (or CONFIG_9P_FS and CONFIG_NET_9P_VIRTIO)");
    }
    if (!has("OVERLAY_FS", "overlay")) {
      missing.add("CONFIG_OVERLAY_FS");
    }
    if (missing.isEmpty()) {
      return Optional.empty();
    }
    String unknown = config().isEmpty() ? ", whose configuration is not known" : "";
    return Optional.of(String.join(" and ", missing) + unknown);
  }

  /** What carries the agent's bytes: the port, unless the kernel is known to have vsock alone. */
  AgentTransport agentTransport() {
    boolean socketAlone =
        config().isPresent()
            && !has("VIRTIO_CONSOLE", "virtio_console")
            && has("VIRTIO_VSOCKETS", "vmw_vsock_virtio_transport");
    return socketAlone ? AgentTransport.VSOCK : AgentTransport.CONSOLE_PORT;
  }

  private boolean has(String option, String module) {
    return config().filter(it -> it.isBuiltIn(option)).isPresent() || modules().has(module);
  }
}
