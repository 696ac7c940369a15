// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.launcher.option.CpuidOption;
import io.jkvm.launcher.option.DiskOption;
import io.jkvm.launcher.option.NetOption;
import io.jkvm.launcher.option.PublishOption;
import io.jkvm.launcher.option.SizeOption;
import io.jkvm.launcher.report.Advice;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.spec.BootWay;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.CpuFeatureChange;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import io.jkvm.machine.spec.PublishedPort;
import io.jkvm.machine.spec.VirtioTransport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * What a machine is to be, as options of a command; {@link #spec} makes a specification of it and a
 * kernel.
 */
final class MachineOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = {"-i", "--initrd"},
      paramLabel = "FILE",
      description = {
        "Initial RAM disk, passed to the kernel unchanged.",
        "May be repeated: the archives are concatenated, and a file in a later one replaces one of"
            + " the same name in an earlier one."
      })
  private List<Path> initrds = List.of();

  @Option(
      names = {"-d", "--disk"},
      paramLabel = "FILE[,ro][,id=NAME][,format=raw][,OPTION...]",
      description = {
        "Disk, a raw image or a block device: /dev/vda, /dev/vdb and so on; may be repeated.",
        "ro: the guest can't write.",
        "id=NAME: the serial number that the guest reads (default: the file's name).",
        "format=raw: take it for raw though it begins as another format or a program does.",
        "cache=writeback (the default): what is written is durable once the guest has flushed it;"
            + " cache=writethrough: once the write is answered; cache=unsafe: when the host likes,"
            + " so a crash of the host may lose all of it.",
        "queues=N: request queues, no more than processors (default: 1).",
        "poll=off: save processor time; else the disk looks for requests for a moment, up to 50 us,"
            + " before it sleeps, where that pays and the host has a processor to spare.",
        "direct: read and write the image past the host's page cache (O_DIRECT).",
        "iops=N, bps=SIZE: carry out at most N requests, read and write at most SIZE bytes a second"
            + " (512K, 100M; a bare number is bytes), all queues together.",
        "Unless the kernel's command line has a root=, the first disk is the root file system."
      })
  private List<String> disks = List.of();

  @Option(
      names = "--net",
      paramLabel = "NETWORK[,OPTION...]",
      arity = "0..1",
      fallbackValue = "user",
      description = {
        "Network card: eth0, eth1 and so on; may be repeated. NETWORK is what it is connected to:",
        "user[,host=no]: the host's network, without privileges, through passt (the default). The"
            + " guest gets 10.0.2.15 by DHCP; the host, its 127.0.0.1, is 10.0.2.2 unless host=no.",
        "passt=PATH: the same, through a passt that is running and listens on this socket.",
        "tap=NAME[,queues=N]: a tap interface; it is created if it does not exist and jkvm may.",
        "switch=NAME: a switch inside this process.",
        "socket=listen:PATH, socket=connect:PATH: another jkvm, or QEMU, over a Unix socket.",
        "OPTION is mac=ADDRESS (default: a random address each time), mtu=BYTES, pcap=FILE (capture"
            + " all frames) or, to try a bad network, rate=100M (bits per second), loss=0.01,"
            + " delay=5ms, seed=42 (lose the same frames each time)."
      })
  private List<String> nets = List.of();

  @Option(
      names = "--publish",
      paramLabel = PublishOption.SYNTAX,
      description = {
        "Forward a port of the host, on 127.0.0.1 unless ADDRESS is given, to a port of the guest;"
            + " may be repeated.",
        "Needs a --net user, and uses the first; without any --net it adds one."
      })
  private List<String> published = List.of();

  @Option(
      names = {"-m", "--mem"},
      paramLabel = "SIZE",
      defaultValue = "256M",
      description =
          "Memory: 64M, 2G, ..., at least 64M; a bare number is MiB (default:"
              + " ${DEFAULT-VALUE}).")
  private String memory;

  @Option(
      names = "--cpus",
      paramLabel = "N",
      defaultValue = "1",
      description = "Number of vCPUs, 1 to 255 (default: ${DEFAULT-VALUE}).")
  private int cpus;

  @Option(
      names = "--boot",
      paramLabel = "WAY",
      defaultValue = "DIRECT",
      description = {
        "How the kernel is started.",
        "direct: unpacked by jkvm and entered at its 64-bit entry (default).",
        "bzimage: entered at the bzImage's own 64-bit entry; it unpacks itself.",
        "bios: in real mode, from the reset vector through a small BIOS and the kernel's setup"
            + " code.",
        "pvh: unpacked by jkvm and entered at its 32-bit PVH entry. An ELF kernel without a 64-bit"
            + " entry is started like this by direct too."
      })
  private BootWay boot;

  @Option(
      names = "--virtio",
      paramLabel = "TRANSPORT",
      defaultValue = "PCI",
      description = {
        "Transport of the virtio devices.",
        "pci: they are on a PCI bus (default).",
        "mmio: their registers are at fixed addresses, which the ACPI tables and the kernel's"
            + " command line announce (CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES)."
      })
  private VirtioTransport virtio;

  @Option(names = "--rng", description = "Add a virtio-rng entropy source.")
  private boolean rng;

  @Option(
      names = {"-c", "--cmdline"},
      paramLabel = "TEXT",
      description =
          "Add to the default kernel command line (console=ttyS0 panic=-1 ...); may be repeated.")
  private List<String> commandLine = List.of();

  @Option(
      names = "--cmdline-only",
      paramLabel = "TEXT",
      description =
          "Replace the default kernel command line; only the addresses of virtio-mmio devices are"
              + " added.")
  private String commandLineOnly;

  @Option(
      names = "--cpuid",
      paramLabel = "-NAME,+NAME,...",
      description = "Hide or show processor features, named as in /proc/cpuinfo.",
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
   * @throws ParameterException naming the option that is wrong
   */
  MachineSpec spec(Path kernel) {
    MachineSpecBuilder builder = builder(kernel);
    return checked("", builder::build);
  }

  /** The same with a read-only disk ahead of the others, if one is given. */
  MachineSpec spec(Path kernel, Optional<Path> root) {
    MachineSpecBuilder builder = builder(kernel);
    root.ifPresent(image -> builder.firstDisk(DiskSpec.raw(image).asReadOnly()));
    return checked("", builder::build);
  }

  /** What {@link #spec} names, but for the kernel. */
  List<Path> files(Optional<Path> root) {
    List<Path> files = new ArrayList<>();
    spec(Path.of(""), root)
        .openedBy(
            path -> {
              files.add(path);
              return path;
            });
    return files;
  }

  private MachineSpecBuilder builder(Path kernel) {
    MachineSpecBuilder builder =
        MachineSpec.boot(kernel)
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
    return builder;
  }

  private List<CardSpec> cards() {
    List<CardSpec> cards = new ArrayList<>();
    NetOption parser = new NetOption();
    nets.forEach(net -> cards.add(checked("--net", () -> parser.parse(net))));
    List<PublishedPort> ports = new ArrayList<>();
    published.forEach(port -> ports.add(checked("--publish", () -> PublishOption.parse(port))));
    return checked("--publish", () -> PublishOption.publish(cards, ports));
  }

  Path checkNamesFile(String option, Path file) {
    if (file.toString().isEmpty()) {
      throw new ParameterException(command.commandLine(), option + ": '' names no file");
    }
    return file;
  }

  <T> T checked(String option, Supplier<T> parse) {
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
