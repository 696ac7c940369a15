// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.machine.kernel.KernelFiles;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.spec.AgentTransport;
import io.jkvm.machine.spec.ShareProtocol;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is known of a kernel that has no code: by its configuration and its modules. */
class KernelSharesTest {
  private static final String RELEASE = "6.1.7";

  @TempDir Path dir;

  private KernelShares shares(String config, String... modules) throws IOException {
    byte[] vmlinux = KernelFiles.vmlinux(KernelFiles.text(RELEASE, null));
    Path image =
        KernelFiles.write(
            dir.resolve("linux/arch/x86/boot/bzImage"), KernelFiles.bzImage(RELEASE, vmlinux));
    KernelFiles.write(dir.resolve("linux/.config"), config);
    StringBuilder order = new StringBuilder();
    for (String module : modules) {
      KernelFiles.write(dir.resolve("linux/fs/" + module + ".ko"), KernelFiles.module("depends="));
      order.append("fs/").append(module).append(".ko\n");
    }
    KernelFiles.write(dir.resolve("linux/modules.order"), order.toString());
    return KernelShares.of(KernelSource.of(image, dir.resolve("nohost")));
  }

  private void assertKnown(Optional<ShareProtocol> protocol, boolean root, KernelShares shares) {
    assertEquals(protocol, shares.protocol());
    assertEquals(root, shares.canBeRoot());
  }

  @Test
  void virtioFsIsTheBetterOne() throws IOException {
    assertKnown(
        Optional.of(ShareProtocol.VIRTIO_FS),
        true,
        shares(
            "CONFIG_VIRTIO_FS=y\nCONFIG_9P_FS=y\nCONFIG_NET_9P_VIRTIO=y\nCONFIG_OVERLAY_FS=y\n"));
  }

  @Test
  void theOtherOneNeedsItsTransportToo() throws IOException {
    assertKnown(
        Optional.of(ShareProtocol.NINE_P),
        true,
        shares("CONFIG_9P_FS=y\nCONFIG_NET_9P_VIRTIO=y\nCONFIG_OVERLAY_FS=y\n"));
    assertKnown(Optional.empty(), false, shares("CONFIG_9P_FS=y\nCONFIG_OVERLAY_FS=y\n"));
  }

  @Test
  void aModuleThatCanBeBroughtIsAsGood() throws IOException {
    String modular = "CONFIG_VIRTIO_FS=m\nCONFIG_OVERLAY_FS=m\n";
    assertKnown(Optional.empty(), false, shares(modular));
    assertKnown(Optional.of(ShareProtocol.VIRTIO_FS), false, shares(modular, "virtiofs"));
    assertKnown(Optional.of(ShareProtocol.VIRTIO_FS), true, shares(modular, "virtiofs", "overlay"));
  }

  @Test
  void theAgentHasASocketOnlyWhereThereIsNoPort() throws IOException {
    String vsock = "CONFIG_VIRTIO_VSOCKETS=m\n";
    String socket = "vmw_vsock_virtio_transport";
    assertEquals(AgentTransport.VSOCK, shares(vsock, socket).agentTransport());
    assertEquals(AgentTransport.CONSOLE_PORT, shares(vsock).agentTransport());
    assertEquals(
        AgentTransport.CONSOLE_PORT, shares(vsock, socket, "virtio_console").agentTransport());
    assertEquals(
        AgentTransport.CONSOLE_PORT,
        shares("CONFIG_VIRTIO_CONSOLE=y\nCONFIG_VIRTIO_VSOCKETS=y\n").agentTransport());
  }

  @Test
  void noRootWithoutAnOverlay() throws IOException {
    KernelShares bare = shares("CONFIG_VIRTIO_FS=y\n");
    assertKnown(Optional.of(ShareProtocol.VIRTIO_FS), false, bare);
    assertEquals(Optional.of("CONFIG_OVERLAY_FS"), bare.lack());
  }

  @Test
  void whatIsMissingForARootIsNamed() throws IOException {
    assertEquals(
        Optional.of(
            "CONFIG_VIRTIO_FS (or CONFIG_9P_FS and CONFIG_NET_9P_VIRTIO) and CONFIG_OVERLAY_FS"),
        shares("CONFIG_9P_FS=y\n").lack());
    assertEquals(Optional.empty(), shares("CONFIG_VIRTIO_FS=y\nCONFIG_OVERLAY_FS=y\n").lack());
  }
}
