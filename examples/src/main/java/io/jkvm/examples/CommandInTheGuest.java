// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import io.jkvm.machine.Machine;
import io.jkvm.machine.agent.CommandResult;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.agent.GuestTask;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.kernellog.FailOn;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.root.RootSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.testing.TestOutcome;
import io.jkvm.machine.testing.TestRun;
import io.jkvm.machine.testing.TestSpec;
import io.jkvm.machine.testing.TestStreams;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Commands on a kernel without any image: the guest's root is made for the run. */
public final class CommandInTheGuest {
  private CommandInTheGuest() {}

  /** Arguments: a kernel, or a directory with one. */
  public static void main(String[] args) throws IOException, InterruptedException {
    KernelSource kernel = KernelSource.of(Path.of(args[0]));
    String sorted = sorted(kernel, "b\na\n");
    int status = tested(kernel, "exit 42").status();
    if (release(kernel).isEmpty() || !sorted.equals("a\nb\n") || status != 42) {
      throw new IllegalStateException(sorted + status);
    }
  }

  /** What the kernel calls itself. */
  static String release(KernelSource kernel) throws IOException, InterruptedException {
    MachineSpec spec = MachineSpec.boot(kernel.image()).build();
    try (GuestRoot root = GuestRoot.make(rootWith("uname"), kernel, spec);
        Machine machine = Machine.start(root.boot(spec))) {
      CommandResult result = machine.exec("uname", "-r");
      if (result.status() != 0) {
        throw new IllegalStateException(result.errorText());
      }
      return result.outputText().strip();
    }
  }

  /** A text sorted by the guest. */
  static String sorted(KernelSource kernel, String text) throws IOException, InterruptedException {
    MachineSpec spec = MachineSpec.boot(kernel.image()).build();
    try (GuestRoot root = GuestRoot.make(rootWith("sort"), kernel, spec);
        Machine machine = Machine.start(root.boot(spec))) {
      GuestCommand sort =
          GuestCommand.of("sort").environment(Map.of("LC_ALL", "C")).user("65534").directory("/");
      GuestTask task = machine.agent().start(sort);
      task.input().write(text.getBytes(StandardCharsets.UTF_8));
      task.input().close();
      String sorted = new String(task.output().readAllBytes(), StandardCharsets.UTF_8);
      return task.await().shellStatus() == 0 ? sorted : "";
    }
  }

  /** How a shell's command ended, judged as {@code jkvm test} does. */
  static TestOutcome tested(KernelSource kernel, String command) throws InterruptedException {
    MachineSpec machine = MachineSpec.boot(kernel.image()).build();
    try (GuestRoot root = GuestRoot.make(rootWith("sh"), kernel, machine)) {
      TestSpec spec =
          new TestSpec(
              root.boot(machine),
              GuestCommand.of("sh", "-c", command),
              Optional.of(Duration.ofMinutes(10)),
              Optional.empty(),
              FailOn.DEFAULT,
              Optional.empty(),
              false,
              false,
              root.mounts());
      ByteArrayOutputStream output = new ByteArrayOutputStream();
      return new TestRun(spec, new TestStreams(Optional.empty(), output, output)).run();
    }
  }

  private static RootSpec rootWith(String command) {
    return new RootSpec(
        RootSpec.Kind.INITRAMFS,
        Optional.empty(),
        Optional.of(command),
        "/",
        false,
        "/usr/bin:/bin",
        "",
        List.of(),
        List.of());
  }
}
