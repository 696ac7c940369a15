// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.devices.serial.SerialSink;
import io.jkvm.devices.virtio.net.VirtioNet;
import io.jkvm.firmware.boot.BootMode;
import java.io.ByteArrayOutputStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The default guest in this JVM, as a program that uses the hypervisor as a library has it. */
final class InProcessGuest implements AutoCloseable {
  private final ByteArrayOutputStream console = new ByteArrayOutputStream();
  private final StopLatch stop = new StopLatch();
  private final VmAssembler.Machine machine;

  /** Starts a guest with one card that runs a command. */
  InProcessGuest(NamedSwitches switches, String net, long mac, String ip, String command)
      throws Exception {
    this(switches, net, mac, ip, command, List.of());
  }

  /** With more archives over the initramfs. */
  InProcessGuest(
      NamedSwitches switches, String net, long mac, String ip, String command, List<Path> archives)
      throws Exception {
    List<Path> initrds = new ArrayList<>(List.of(ProjectFiles.guestImage("initramfs.cpio")));
    initrds.addAll(archives);
    VmConfig config =
        new VmConfig(
            ProjectFiles.guestImage("bzImage"),
            initrds,
            List.of(),
            List.of(NetConfig.parse(net, mac)),
            128L << 20,
            1,
            OnReboot.STOP,
            BootMode.DIRECT,
            VirtioTransport.PCI,
            false,
            "quiet jkvm.ip=" + ip + " jkvm.run=\"" + command + "\"",
            Optional.empty(),
            List.of(),
            "/dev/kvm");
    Reporter reporter = new Reporter(new PrintWriter(Writer.nullWriter()), true, false);
    machine =
        new VmAssembler(config, HostFacts.read(), null, reporter, stop, new Console(), switches)
            .assemble();
    machine.vm().start();
  }

  private final class Console implements SerialSink {
    @Override
    public boolean accept(byte value) {
      synchronized (console) {
        console.write(value);
        console.notifyAll();
      }
      return true;
    }

    @Override
    public boolean hasRoom() {
      return true;
    }

    @Override
    public void addRoomListener(Runnable listener) {}

    @Override
    public void removeRoomListener(Runnable listener) {}
  }

  VirtioNet card() {
    return machine.cards().get(0);
  }

  String output() {
    synchronized (console) {
      return console.toString(StandardCharsets.UTF_8);
    }
  }

  void awaitOutput(String text) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(JkvmProcess.BOOT_SECONDS);
    synchronized (console) {
      while (!output().contains(text)) {
        long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        if (left <= 0) {
          throw new AssertionError("never printed '" + text + "'\n" + output());
        }
        console.wait(left);
      }
    }
  }

  StopReason awaitStop() throws InterruptedException {
    return stop.await(JkvmProcess.BOOT_SECONDS, TimeUnit.SECONDS)
        .orElseThrow(() -> new AssertionError("still runs\n" + output()));
  }

  @Override
  public void close() {
    machine.vm().close();
  }
}
