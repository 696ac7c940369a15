// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.machine.Machine;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.MacAddress;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.VirtualSwitch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** The default guest in this JVM, with a card on a switch, that runs a command. */
final class InProcessGuest implements AutoCloseable {
  private static final Duration BOOT = Duration.ofSeconds(JkvmProcess.BOOT_SECONDS);

  private final Machine machine;

  /** With more archives over the initramfs. */
  InProcessGuest(VirtualSwitch network, long mac, String ip, String command, List<Path> archives) {
    MachineSpecBuilder builder =
        MachineSpec.boot(ProjectFiles.guestImage("bzImage"))
            .name("guest-" + ip.replaceAll("[^0-9.]", "-"))
            .initrd(ProjectFiles.guestImage("initramfs.cpio"))
            .card(CardSpec.on(new NetworkSpec.Switch(network)).withMac(new MacAddress(mac)))
            .memoryMiB(128)
            .commandLine("quiet jkvm.ip=" + ip + " jkvm.run=\"" + command + "\"");
    archives.forEach(builder::initrd);
    machine = Machine.start(builder.build());
  }

  Machine machine() {
    return machine;
  }

  String output() {
    return machine.console().output();
  }

  void awaitOutput(String text) throws InterruptedException {
    machine.console().expect(text, BOOT);
  }

  StopReason awaitStop() throws InterruptedException {
    return machine.awaitStop(BOOT).orElseThrow(() -> new AssertionError("still runs\n" + output()));
  }

  @Override
  public void close() {
    machine.close();
  }
}
