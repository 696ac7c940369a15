// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.launcher.option.TimeOption;
import io.jkvm.launcher.report.ExitStatus;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.launcher.terminal.TerminalSession;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.spec.MachineSpec;
import java.time.Duration;
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
      "Boots a Linux kernel in a virtual machine, its serial console on this terminal.",
      "Ctrl-A x stops the machine, Ctrl-A h shows the other keys.",
      ""
    },
    footer = {
      "",
      "Exit status: 0 the guest stopped cleanly, 2 wrong usage, 3 the host or a file is at fault,",
      "4 the guest crashed, 124 time limit, 128+N ended by signal N.",
      "",
      "Examples:",
      "  jkvm run --kernel arch/x86/boot/bzImage --initrd initramfs.cpio",
      "  jkvm run --disk rootfs.img --disk data.img,ro,id=data --mem 1G",
      "  jkvm run --disk rootfs.img --net user --publish 127.0.0.1:8080:80",
      "  jkvm run --disk rootfs.img --net tap=tap0,mac=02:00:00:00:00:01,pcap=guest.pcap",
      "  jkvm run --disk rootfs.img --cmdline 'jkvm.run=\"uname -a\" quiet' --timeout 60s"
    })
public final class RunCommand implements Callable<Integer> {
  @CommandLine.Spec private CommandSpec spec;

  @Mixin private MachineOptions machine;

  @Option(
      names = "--on-reboot",
      paramLabel = "WHAT",
      defaultValue = "STOP",
      description = "When the guest resets: stop (default) or restart the machine.")
  private OnReboot onReboot;

  @Option(
      names = {"-t", "--timeout"},
      paramLabel = "TIME",
      description = "Stop after this long: 500ms, 60s, 5m; a bare number is seconds.")
  private String timeout;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws Exception {
    Optional<Duration> limit = timeLimit();
    Reporter reporter = output.reporter(spec.commandLine().getErr());
    MachineSpec wanted = machine.spec(reporter);
    StopReason reason =
        new TerminalSession(wanted, onReboot == OnReboot.RESTART, limit, reporter).run();
    return ExitStatus.of(reason);
  }

  private Optional<Duration> timeLimit() {
    try {
      return Optional.ofNullable(timeout).map(TimeOption::parse);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--timeout: " + e.getMessage(), e);
    }
  }
}
