// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.firmware.boot.BootMode;
import io.jkvm.firmware.cpu.CpuidPolicy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
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
final class RunCommand implements Callable<Integer> {
  @CommandLine.Spec private CommandSpec spec;

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
      paramLabel = "[ADDRESS:]PORT:GUESTPORT[/udp]",
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
      names = "--on-reboot",
      paramLabel = "WHAT",
      defaultValue = "STOP",
      description = "When the guest resets: stop (default) or restart the machine.")
  private OnReboot onReboot;

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
  private BootMode boot;

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
      parameterConsumer = CpuidParameter.class)
  private List<String> cpuid = List.of();

  @Option(
      names = {"-t", "--timeout"},
      paramLabel = "TIME",
      description = "Stop after this long: 500ms, 60s, 5m; a bare number is seconds.")
  private String timeout;

  @Option(
      names = {"-q", "--quiet"},
      description = "Print nothing of our own but errors.")
  private boolean quiet;

  @Option(
      names = {"-v", "--verbose"},
      description = "Say what is done and how long it took; stack traces with errors.")
  private boolean verbose;

  @Option(
      names = "--kvm",
      paramLabel = "DEVICE",
      defaultValue = "/dev/kvm",
      description = "The KVM device (default: ${DEFAULT-VALUE}).")
  private String kvmDevice;

  @Override
  public Integer call() throws Exception {
    Optional<Long> limit =
        Optional.ofNullable(timeout)
            .map(text -> checked("--timeout", () -> TimeLimit.parseMilliseconds(text)));
    Reporter reporter = new Reporter(spec.commandLine().getErr(), quiet, verbose);
    VmConfig config = config(reporter);
    StopReason reason = new VmRun(config, limit, reporter).run();
    return ExitStatus.of(reason);
  }

  private VmConfig config(Reporter reporter) throws Exception {
    long memoryBytes = checked("--mem", () -> MemorySize.parse(memory));
    if (cpus < 1) {
      throw new ParameterException(
          spec.commandLine(), "--cpus: " + cpus + " is not a number of processors; give 1 or more");
    }
    checked("--cpuid", () -> CpuidPolicy.of(HostCapabilities.COMPLETE, cpuid));
    checked("--kernel", () -> checkNamesFile(kernel));
    initrds.forEach(initrd -> checked("--initrd", () -> checkNamesFile(initrd)));
    List<DiskConfig> diskConfigs = new ArrayList<>();
    for (String disk : disks) {
      diskConfigs.add(checked("--disk", () -> DiskConfig.parse(disk)));
    }
    List<NetConfig> netConfigs = netConfigs();
    Path chosen = kernel;
    if (chosen == null) {
      chosen = KernelFinder.usualPlaces().find();
      reporter.note("kernel " + chosen);
    }
    return new VmConfig(
        chosen,
        initrds,
        diskConfigs,
        netConfigs,
        memoryBytes,
        cpus,
        onReboot,
        boot,
        virtio,
        rng,
        String.join(" ", commandLine),
        Optional.ofNullable(commandLineOnly),
        cpuid,
        kvmDevice);
  }

  private List<NetConfig> netConfigs() {
    List<NetConfig> configs = new ArrayList<>();
    for (String net : nets) {
      configs.add(checked("--net", () -> NetConfig.parse(net, MacAddress.random())));
    }
    checked("--net", () -> NetConfig.checkDistinct(configs));
    return checked("--publish", () -> NetConfig.publish(configs, published));
  }

  private static Path checkNamesFile(Path file) {
    if (file != null && file.toString().isEmpty()) {
      throw new IllegalArgumentException("'' names no file");
    }
    return file;
  }

  private <T> T checked(String option, java.util.function.Supplier<T> parse) {
    try {
      return parse.get();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), option + ": " + e.getMessage(), e);
    }
  }
}
