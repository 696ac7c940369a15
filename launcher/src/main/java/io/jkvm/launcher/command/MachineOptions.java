// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.launcher.option.CpuidOption;
import io.jkvm.launcher.option.DiskOption;
import io.jkvm.launcher.option.KernelFinder;
import io.jkvm.launcher.option.NetOption;
import io.jkvm.launcher.option.PublishOption;
import io.jkvm.launcher.option.SizeOption;
import io.jkvm.launcher.report.Advice;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.spec.BootWay;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.CpuFeatureChange;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import io.jkvm.machine.spec.PublishedPort;
import io.jkvm.machine.spec.VirtioTransport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What a machine is to be, as options of a command; {@link #spec} makes a specification of it. */
final class MachineOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = {"-k", "--kernel"},
      paramLabel = "FILE",
      description = {
        "Kernel: a bzImage (boot protocol 2.06 or later) or an uncompressed ELF vmlinux.",
        "Without it: ./bzImage, arch/x86/boot/bzImage, the guest that 'make run' builds,"
            + " /boot/vmlinuz-$(uname -r); the first that exists."
      })
  private Path kernel;

  @Option(
      names = {"-i", "--initrd"},
      paramLabel = "FILE",
      description = {
        "Initial RAM disk, given to the kernel as it is.",
        "May be repeated: the archives are put one after the other, and the last one wins."
      })
  private List<Path> initrds = List.of();

  @Option(
      names = {"-d", "--disk"},
      paramLabel = "FILE[,ro][,id=NAME]",
      description = {
        "Raw image or block device, as /dev/vda and so on; may be repeated.",
        "The first is the root file system, writable, unless the command line has a root=."
      })
  private List<String> disks = List.of();

  @Option(
      names = "--net",
      paramLabel = "NETWORK[,OPTION...]",
      arity = "0..1",
      fallbackValue = "user",
      description = {
        "A network card, eth0 and so on; may be repeated. On one of these networks:",
        "user: the host's, without any privilege, through passt (also if none is given); the guest"
            + " gets 10.0.2.15 by DHCP, the host is 10.0.2.2.",
        "passt=PATH: the same, by a passt that runs and listens there.",
        "tap=NAME[,queues=N]: a tap interface, made if there is none and we may.",
        "switch=NAME: a switch inside this process.",
        "socket=listen:PATH, socket=connect:PATH: another jkvm's, by a Unix socket.",
        "Options: mac=ADDRESS (default: random, another one each time), mtu=BYTES, pcap=FILE (a"
            + " capture of all frames), and to try a bad network rate=100M (bits/s), loss=0.01,"
            + " delay=5ms, seed=42 (lose the same ones each time)."
      })
  private List<String> nets = List.of();

  @Option(
      names = "--publish",
      paramLabel = PublishOption.SYNTAX,
      description = {
        "Lead a port of the host (of 127.0.0.1 if no address is given) to one of the guest, on the"
            + " first network of the user's; may be repeated.",
        "Without --net, there is a --net user as well."
      })
  private List<String> published = List.of();

  @Option(
      names = {"-m", "--mem"},
      paramLabel = "SIZE",
      defaultValue = "256M",
      description = "Memory: 64M, 2G, ...; a bare number is MiB (default: ${DEFAULT-VALUE}).")
  private String memory;

  @Option(
      names = "--cpus",
      paramLabel = "N",
      defaultValue = "1",
      description = "Number of vCPUs (default: ${DEFAULT-VALUE}).")
  private int cpus;

  @Option(
      names = "--boot",
      paramLabel = "WAY",
      defaultValue = "DIRECT",
      description = {
        "direct: unpack the kernel on the host and enter it at its 64-bit entry (default).",
        "bzimage: the kernel unpacks itself.",
        "bios: real mode, from the reset vector through a small BIOS.",
        "pvh: unpacked on the host, entered at its 32-bit PVH entry (an ELF kernel without a"
            + " 64-bit entry takes this way by itself)."
      })
  private BootWay boot;

  @Option(
      names = "--virtio",
      paramLabel = "TRANSPORT",
      defaultValue = "PCI",
      description = {
        "pci: disks and other virtio devices are on a PCI bus (default).",
        "mmio: they have fixed addresses, which the kernel's command line announces; for kernels"
            + " with CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES."
      })
  private VirtioTransport virtio;

  @Option(names = "--rng", description = "Give the guest a virtio-rng entropy source.")
  private boolean rng;

  @Option(
      names = {"-c", "--cmdline"},
      paramLabel = "TEXT",
      description =
          "Added to the default kernel command line (console=ttyS0 panic=-1 ...); may be repeated.")
  private List<String> commandLine = List.of();

  @Option(
      names = "--cmdline-only",
      paramLabel = "TEXT",
      description =
          "Replaces the default kernel command line; only the places of the virtio devices are"
              + " added.")
  private String commandLineOnly;

  @Option(
      names = "--cpuid",
      paramLabel = "-NAME,+NAME,...",
      description = "Hide or show processor features, by the names of /proc/cpuinfo.",
      parameterConsumer = CpuidOption.class)
  private List<CpuFeatureChange> cpuid = List.of();

  @Option(
      names = "--kvm",
      paramLabel = "DEVICE",
      defaultValue = "/dev/kvm",
      description = "The KVM device (default: ${DEFAULT-VALUE}).")
  private Path kvmDevice;

  /**
   * The machine that the options describe.
   *
   * @throws IOException if no kernel is given and none is found
   * @throws ParameterException naming the option that is wrong
   */
  MachineSpec spec(Reporter reporter) throws IOException {
    MachineSpecBuilder builder =
        MachineSpec.boot(checkNamesFile("--kernel", kernel == null ? Path.of(".") : kernel))
            .memoryBytes(checked("--mem", () -> SizeOption.parse(memory)))
            .cpus(cpus)
            .bootWay(boot)
            .transport(virtio)
            .entropySource(rng)
            .commandLine(String.join(" ", commandLine))
            .cpuFeatures(cpuid)
            .kvmDevice(kvmDevice);
    if (commandLineOnly != null) {
      builder.commandLineOnly(commandLineOnly);
    }
    initrds.forEach(initrd -> builder.initrd(checkNamesFile("--initrd", initrd)));
    disks.forEach(disk -> builder.disk(checked("--disk", () -> DiskOption.parse(disk))));
    cards().forEach(builder::card);
    MachineSpec spec = checked("", builder::build);
    if (kernel != null) {
      return spec;
    }
    Path found = KernelFinder.usualPlaces().find();
    reporter.note("kernel " + found);
    return spec.withKernel(found);
  }

  private List<CardSpec> cards() {
    List<CardSpec> cards = new ArrayList<>();
    NetOption parser = new NetOption();
    nets.forEach(net -> cards.add(checked("--net", () -> parser.parse(net))));
    List<PublishedPort> ports = new ArrayList<>();
    published.forEach(port -> ports.add(checked("--publish", () -> PublishOption.parse(port))));
    return checked("--publish", () -> PublishOption.publish(cards, ports));
  }

  private Path checkNamesFile(String option, Path file) {
    if (file.toString().isEmpty()) {
      throw new ParameterException(command.commandLine(), option + ": '' names no file");
    }
    return file;
  }

  private <T> T checked(String option, Supplier<T> parse) {
    try {
      return parse.get();
    } catch (MachineException e) {
      String blamed = Advice.option(e.problem()).orElse(option);
      throw new ParameterException(command.commandLine(), blamed + ": " + Advice.line(e), e);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), option + ": " + e.getMessage(), e);
    }
  }
}
