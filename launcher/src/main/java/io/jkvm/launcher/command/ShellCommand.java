// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.launcher.option.KernelFinder;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.launcher.testing.RawArguments;
import io.jkvm.launcher.testing.ShellSession;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.root.KernelShares;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code jkvm shell}: a shell on a kernel, as over ssh. */
@Command(
    name = "shell",
    sortOptions = false,
    description = {
      "Boots a kernel and runs a shell in it on this terminal: every key is the guest's, and the"
          + " guest's terminal has this one's size. '~.' after Enter leaves.",
      "Ends with the shell's exit status; with 0 if its user leaves, or the guest is powered off,"
          + " reset or halted by then. Any other end has its class and its status in the last line,"
          + " as those of 'jkvm test'.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "",
      "  jkvm shell --kernel ~/linux",
      "  jkvm shell --root rootfs.img -- login -f root"
    })
public final class ShellCommand implements Callable<Integer> {
  private static final List<Path> SHELLS =
      List.of(Path.of("/bin/bash"), Path.of("/usr/bin/bash"), Path.of("/bin/sh"));

  @CommandLine.Spec private CommandSpec spec;

  @Mixin private GuestOptions guest;

  @Option(names = "--log", paramLabel = "FILE", description = "Write the kernel's log to a file.")
  private Path log;

  @Mixin private MachineOptions machine;

  @Mixin private OutputOptions output;

  @Parameters(
      paramLabel = "COMMAND",
      arity = "0..*",
      description = "Another command than a shell, behind '--'.")
  private List<String> command = List.of();

  @Override
  public Integer call() throws Exception {
    Reporter reporter = output.reporter(spec.commandLine().getErr());
    if (guest.kernels().size() > 1) {
      throw new ParameterException(spec.commandLine(), "--kernel: one is enough for a shell");
    }
    Path kernel =
        guest.kernels().isEmpty() ? KernelFinder.usualPlaces().find() : guest.kernels().get(0);
    String program = command.isEmpty() ? shell() : command.get(0);
    List<byte[]> arguments =
        command.isEmpty()
            ? List.of(program.getBytes(java.nio.charset.StandardCharsets.UTF_8))
            : RawArguments.last(command);
    RootOptions root = new RootOptions(guest);
    List<Path> read = new ArrayList<>(machine.files(root.image()));
    read.addAll(root.files(program));
    read.add(WrittenFiles.image(kernel));
    new WrittenFiles(spec.commandLine()).add("--log", Optional.ofNullable(log)).check(read);
    KernelSource source = KernelSource.of(kernel);
    KernelShares known = KernelShares.of(source);
    MachineSpec asked = machine.spec(source.image(), root.image());
    try (GuestRoot made =
        GuestRoot.make(root.spec(program, known, reporter).withTerminal(), source, asked, known)) {
      made.notes().forEach(reporter::step);
      return new ShellSession(
              source,
              made,
              made.boot(asked),
              guest.command(arguments),
              Optional.ofNullable(log),
              reporter)
          .run();
    }
  }

  private String shell() throws IOException {
    if (!guest.hasThisDirectory()) {
      return "/bin/sh";
    }
    return SHELLS.stream()
        .filter(Files::isExecutable)
        .findFirst()
        .orElse(Path.of("/bin/sh"))
        .toString();
  }
}
