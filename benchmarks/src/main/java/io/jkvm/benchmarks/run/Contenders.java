// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import io.jkvm.benchmarks.run.Contender.Group;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Who is measured: each engine and cache mode that this host's programs have. */
public final class Contenders {
  private static final String MEMORY_MIB = "256";

  private final Map<String, String> settings;
  private final Path jkvm;
  private final Path guest;
  private final Path disk;
  private final Path socket;

  /**
   * Nothing is started yet.
   *
   * @param settings variables, as benchmarks/bench.sh describes them
   * @param socket where a {@link FramePeer} listens
   */
  public Contenders(Map<String, String> settings, Path jkvm, Path guest, Path disk, Path socket) {
    this.settings = settings;
    this.jkvm = jkvm;
    this.guest = guest;
    this.disk = disk;
    this.socket = socket;
  }

  /** All of them, in the order of the first round. */
  public List<Contender> find() throws IOException, InterruptedException {
    List<Contender> all = new ArrayList<>();
    for (String disks : jkvmDisks().split(" ")) {
      String options = disks.substring(disks.indexOf('=') + 1);
      String name = disks.substring(0, disks.indexOf('='));
      all.add(jkvm(name, jkvm, options));
      if (settings.containsKey("OTHER_JKVM")) {
        Path other = Path.of(settings.get("OTHER_JKVM"));
        all.add(jkvm("other-" + name, other, options));
      }
    }
    all.add(qemu("qemu-threads", false, "threads"));
    all.add(qemu("qemu-io_uring", false, "io_uring"));
    all.add(qemu("qemu-direct-native", true, "native"));
    all.add(qemu("qemu-direct-io_uring", true, "io_uring"));
    all.add(new Contender("fio", Group.HOST, false, false, "", List.of()));
    all.add(new Contender("fio-direct", Group.HOST, true, false, "", List.of()));
    Pattern only = Pattern.compile(settings.getOrDefault("ONLY", ".*"));
    all.removeIf(contender -> !only.matcher(contender.name()).matches());
    return all;
  }

  private String jkvmDisks() throws IOException {
    String given = settings.get("JKVM_DISKS");
    if (given != null) {
      if (!given.matches("(jkvm[\\w-]*=\\S* ?)+")) {
        throw new IOException("JKVM_DISKS is not as in 'jkvm= jkvm-direct=,direct': " + given);
      }
      return given;
    }
    return "jkvm= jkvm-direct=,direct";
  }

  private Contender jkvm(String name, Path program, String diskOptions) {
    boolean direct = diskOptions.contains(",direct");
    List<String> command =
        new ArrayList<>(
            List.of(
                program.toString(),
                "run",
                "--virtio=mmio",
                "--mem",
                MEMORY_MIB + "M",
                "--kernel",
                guest.toString(),
                "--disk",
                disk + diskOptions,
                "--cmdline-only",
                ""));
    if (!direct) {
      command.addAll(List.of("--net", "socket=connect:" + socket));
    }
    return new Contender(name, Group.JKVM, direct, !direct, "jkvm/vcpu", command);
  }

  private Contender qemu(String name, boolean direct, String engine) throws IOException {
    String cpu = "host";
    if (!Pattern.compile("\\b(vmx|svm)\\b")
        .matcher(Files.readString(Path.of("/proc/cpuinfo")))
        .find()) {
      // What a KVM without hardware behind it lacks, though it says otherwise.
      cpu = "host,-arch-capabilities,-cx16";
    }
    List<String> command =
        new ArrayList<>(
            List.of(
                "qemu-system-x86_64",
                "-M",
                "microvm,acpi=off,x-option-roms=off,rtc=on,pit=off,pic=off,isa-serial=on",
                "-enable-kvm",
                "-cpu",
                cpu,
                "-m",
                MEMORY_MIB,
                "-name",
                "bench,debug-threads=on",
                "-nodefaults",
                "-no-user-config",
                "-no-reboot",
                "-display",
                "none",
                "-serial",
                "stdio",
                "-global",
                "virtio-mmio.force-legacy=false",
                "-object",
                "iothread,id=iothread0",
                "-blockdev",
                "driver=file,node-name=file0,filename="
                    + disk.toString().replace(",", ",,")
                    + ",aio="
                    + engine
                    + ",cache.direct="
                    + (direct ? "on" : "off"),
                "-blockdev",
                "driver=raw,node-name=disk0,file=file0",
                "-device",
                "virtio-blk-device,drive=disk0,iothread=iothread0",
                "-kernel",
                guest.toString(),
                "-append",
                ""));
    boolean registers = engine.equals("threads");
    if (registers) {
      command.add("-netdev");
      command.add("stream,id=net0,server=off,addr.type=unix,addr.path=" + socket);
      command.addAll(List.of("-device", "virtio-net-device,netdev=net0"));
    }
    return new Contender(name, Group.QEMU, direct, registers, "CPU ", command);
  }
}
