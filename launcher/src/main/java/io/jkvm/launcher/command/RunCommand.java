// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.launcher.option.KernelFinder;
import io.jkvm.launcher.option.ShareOption;
import io.jkvm.launcher.option.TimeOption;
import io.jkvm.launcher.report.ExitStatus;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.launcher.terminal.TerminalSession;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.root.KernelShares;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import io.jkvm.machine.spec.ShareProtocol;
import io.jkvm.machine.spec.ShareSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code jkvm run}: boots a kernel and stays until the guest ends. */
@Command(
    name = "run",
    sortOptions = false,
    description = {
      "Boots a Linux kernel in a virtual machine, with its serial console on this terminal.",
      "Ctrl-A x stops the machine, Ctrl-A h lists the other keys.",
      "",
      "Without a terminal, what comes on standard input is typed at the console. The end of the"
          + " input does not end the machine: with </dev/null nobody can type, and it runs until"
          + " the guest stops, a signal comes or --timeout is over.",
      "",
      "SIGTSTP pauses the guest and stops the process; SIGCONT continues both.",
      "",
      "A file whose name is that of an option, as -m, is written ./-m. Names are text in the"
          + " locale's encoding, which is UTF-8 where no locale is set.",
      ""
    },
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      ExitStatus.OK + ":the guest reset, powered off or halted, or Ctrl-A x stopped it",
      ExitStatus.USAGE + ":wrong usage",
      ExitStatus.HOST + ":the host or a file is at fault; the last line says what to do",
      ExitStatus.GUEST_CRASHED
          + ":the guest crashed: a kernel panic, a triple fault, an instruction that KVM can't run,"
          + " no vCPU that could go on",
      ExitStatus.TIMEOUT + ":--timeout stopped the guest",
      (ExitStatus.SIGNALLED + 1) + ":ended by SIGHUP",
      (ExitStatus.SIGNALLED + 2) + ":ended by SIGINT",
      (ExitStatus.SIGNALLED + 15) + ":ended by SIGTERM",
      "1-255:in place of 0, what the guest left at port 0x608: the default guest, the status of its"
          + " command; the last line says so"
    },
    footer = {
      "",
      "Environment:",
      "",
      "JAVA_HOME chooses the JVM, 17 or later. JKVM_JAVA_OPTIONS adds options to it.",
      "",
      "Examples:",
      "",
      "  jkvm run --kernel arch/x86/boot/bzImage --initrd initramfs.cpio",
      "  jkvm run --disk rootfs.img --disk data.img,ro,id=data --mem 1G",
      "  jkvm run --disk rootfs.img --net user --publish 127.0.0.1:8080:80",
      "  jkvm run --disk rootfs.img --net tap=tap0,pcap=guest.pcap",
      "  jkvm run --disk rootfs.img --cmdline 'jkvm.run=\"uname -a\" quiet' -t 60s"
    })
public final class RunCommand implements Callable<Integer> {
  @CommandLine.Spec private CommandSpec spec;

  @Option(
      names = {"-k", "--kernel"},
      paramLabel = "FILE",
      description = {
        "Kernel: a bzImage (boot protocol 2.06 or later) or an uncompressed ELF vmlinux.",
        "Default: the first of ./bzImage, arch/x86/boot/bzImage, the kernel that 'make run' builds"
            + " and /boot/vmlinuz-$(uname -r) that exists; jkvm says which."
      })
  private Path kernel;

  @Option(
      names = "--share",
      paramLabel = ShareOption.SYNTAX,
      description = {
        "Let the guest mount a directory of the host, by the tag GUEST (default: the directory's own"
            + " path); may be repeated. jkvm says the command that mounts it in the guest.",
        "ro: the guest can't write."
      })
  private List<String> shares = List.of();

  @Mixin private MachineOptions machine;

  @Option(
      names = "--on-reboot",
      paramLabel = "WHAT",
      defaultValue = "STOP",
      description = "What a reset by the guest does: stop the machine (default) or restart it.")
  private OnReboot onReboot;

  @Option(
      names = {"-t", "--timeout"},
      paramLabel = "TIME",
      description = "Stop the machine after this time: 500ms, 60s, 5m; a bare number is seconds.")
  private String timeout;

  @Option(
      names = "--grace",
      paramLabel = "TIME",
      defaultValue = "10s",
      description =
          "How long a guest with ACPI has to power off when a signal ends jkvm, before the plug is"
              + " pulled: 10s (default), 0 for not at all. Another signal, a second later or more,"
              + " pulls it at once.")
  private String grace;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws Exception {
    Optional<Duration> limit = Optional.ofNullable(timeout).map(t -> time("--timeout", t));
    Duration patience = grace.equals("0") ? Duration.ZERO : time("--grace", grace);
    Reporter reporter = output.reporter(spec.commandLine().getErr());
    machine.spec(Path.of(".")); // what is wrong with the options comes before what is not found
    Path file = kernel == null ? KernelFinder.usualPlaces().find() : kernel;
    if (kernel == null) {
      reporter.note("kernel " + file);
    }
    MachineSpec wanted =
        withShares(machine.spec(machine.checkNamesFile("--kernel", file)), reporter);
    return new TerminalSession(wanted, onReboot == OnReboot.RESTART, limit, patience, reporter)
        .run();
  }

  private MachineSpec withShares(MachineSpec spec, Reporter reporter) {
    if (shares.isEmpty()) {
      return spec;
    }
    ShareProtocol protocol =
        KernelShares.of(KernelSource.of(spec.kernel())).protocol().orElse(ShareProtocol.VIRTIO_FS);
    String mount = "mount -t " + protocol.mountType();
    String options = protocol.mountOptions().isEmpty() ? "" : " -o " + protocol.mountOptions();
    MachineSpecBuilder builder = spec.toBuilder();
    for (String text : shares) {
      ShareOption option = machine.checked("--share", () -> ShareOption.parse(text));
      ShareSpec share =
          machine.checked(
              "--share", () -> ShareSpec.of(option.guest(), option.host()).over(protocol));
      builder.share(option.readOnly() ? share.asReadOnly() : share);
      String place = option.guest();
      if (Files.isDirectory(option.host())) { // else the machine is refused, and that is all
        String line = mount + options + " " + place + " " + place;
        reporter.note("share " + option.host() + ": " + line);
      }
    }
    return machine.checked("--share", builder::build);
  }

  private Duration time(String option, String value) {
    try {
      return TimeOption.parse(value);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), option + ": " + e.getMessage(), e);
    }
  }
}
