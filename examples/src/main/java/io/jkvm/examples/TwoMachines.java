// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import io.jkvm.machine.Console;
import io.jkvm.machine.Machine;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.VirtualSwitch;
import java.nio.file.Path;
import java.time.Duration;

/** Two machines on one switch: the client fetches a web page from the server. */
public final class TwoMachines {
  private static final Duration LIMIT = Duration.ofMinutes(5);

  private TwoMachines() {}

  /** Arguments: kernel, initial RAM disk. */
  public static void main(String[] args) throws InterruptedException {
    MachineSpec guest = MachineSpec.boot(Path.of(args[0])).initrd(Path.of(args[1])).build();
    VirtualSwitch lan = new VirtualSwitch("lan");
    try (Machine server = Machine.start(on(lan, guest, "server", "192.168.5.1"));
        Machine client = Machine.start(on(lan, guest, "client", "192.168.5.2"))) {
      server.console().expect("# ", LIMIT);
      Console console = client.console();
      console.expect("# ", LIMIT);
      console.send("wget -q -O - http://192.168.5.1/\n");
      console.expect("A web server", LIMIT);
    }
  }

  private static MachineSpec on(VirtualSwitch lan, MachineSpec guest, String name, String address) {
    return guest.toBuilder()
        .name(name)
        .card(new NetworkSpec.Switch(lan))
        .commandLine("quiet jkvm.ip=" + address + "/24")
        .build();
  }
}
