// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the machine consists of, as Linux sees it: processors, transports, interrupts, its ends. */
@RequiresKvm
@Guests
class MachineIT {
  @TempDir Path folder;

  private JkvmProcess.Result boot(String kernel, String command, String... options)
      throws Exception {
    return JkvmProcess.run(args(kernel, command, options));
  }

  private String[] args(String kernel, String command, String... options) throws Exception {
    Path root = folder.resolve("root.img");
    Files.copy(ProjectFiles.guestImage("rootfs.img"), root);
    String[] common = {
      "--kernel", ProjectFiles.guestImage(kernel).toString(),
      "--disk", root.toString(),
      "--cmdline", "quiet jkvm.run=\"" + command + "\""
    };
    List<String> all = new ArrayList<>(List.of(common));
    all.addAll(List.of(options));
    if (!all.contains("--mem")) {
      all.addAll(List.of("--mem", "64M"));
    }
    return all.toArray(String[]::new);
  }

  /**
   * Programs keep all their registers over context switches and signals (guest-images/vectors): on
   * a KVM that interprets the kernel it was another program's that they found in them.
   */
  private static final String VECTORS = "; vectors 2000 4";

  private static void assertVectorsKept(JkvmProcess.Result result) throws Exception {
    List<String> flags = hostFlags();
    String level = flags.contains("avx512f") ? "AVX-512" : flags.contains("avx") ? "AVX" : "SSE";
    assertTrue(
        result.out().contains("vectors: 2000 rounds of 4 processes with " + level),
        result::toString);
    assertTrue(result.out().contains(", 0 wrong"), result::toString);
  }

  private static String hostCpuinfo(String name) throws Exception {
    return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
        .filter(line -> line.startsWith(name))
        .findFirst()
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .orElse("");
  }

  private static List<String> hostFlags() throws Exception {
    return List.of(hostCpuinfo("flags").split(" "));
  }

  /** The host's brand, a hypervisor, no nested virtualization, no counters. */
  private static void assertNamedMinimalProcessor(JkvmProcess.Result result) throws Exception {
    assertTrue(
        result.out().contains("model name\t: " + hostCpuinfo("model name")), result::toString);
    List<String> flags =
        result.out().lines().filter(line -> line.startsWith("flags\t")).findFirst().stream()
            .flatMap(line -> Stream.of(line.split("\\s+")))
            .toList();
    assertTrue(flags.contains("hypervisor"), result::toString);
    for (String absent : List.of("vmx", "svm", "sgx", "arch_perfmon", "perfctr_core", "pdcm")) {
      assertFalse(flags.contains(absent), result::toString);
    }
  }

  @Test
  void twoProcessorsOverPciKeepVectorRegistersAndPowerOff() throws Exception {
    JkvmProcess.Result result =
        boot(
            "bzImage-smp",
            "echo cpus=$(nproc); cat /proc/interrupts /proc/cpuinfo;"
                + " cat /sys/bus/pci/devices/*/device"
                + VECTORS,
            "--cpus",
            "2");
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().contains("cpus=2"), result::toString);
    assertTrue(
        Pattern.compile("PCI-MSI.*virtio0-req").matcher(result.out()).find(), result::toString);
    assertTrue(result.out().contains("0x1042"), result::toString);
    assertTrue(result.err().contains("guest power-off"), result::toString);
    assertVectorsKept(result);
    assertNamedMinimalProcessor(result);
    boolean interprets = hostFlags().stream().noneMatch(Set.of("vmx", "svm")::contains);
    assertEquals(
        interprets ? 1 : 0,
        result.err().lines().filter(line -> line.contains("this host's KVM")).count(),
        result::toString);
  }

  /** Linux is told to use little of it, as each page costs time where its kernel is interpreted. */
  @Test
  void memoryAboveFourGibibytesAndNoMessageInterrupts() throws Exception {
    JkvmProcess.Result result =
        boot(
            "bzImage",
            "cat /proc/interrupts /proc/meminfo; dmesg | grep BIOS-e820",
            "--cmdline",
            "pci=nomsi memmap=exactmap memmap=639K@0 memmap=63M@1M memmap=64M@4G swiotlb=noforce",
            "--rng",
            "--mem",
            "3584M");
    assertEquals(0, result.status(), result::toString);
    ConsoleIT.assertMemTotal(result, 128L << 20);
    assertTrue(
        result.out().contains("[mem 0x0000000100000000-0x000000011fffffff] usable"),
        result::toString);
    assertFalse(result.out().contains("PCI-MSI"), result::toString);
    assertTrue(
        Pattern.compile("IO-APIC.*fasteoi.*virtio0").matcher(result.out()).find(),
        result::toString);
  }

  @Test
  void oneProcessorOverMmioKeepsVectorRegisters() throws Exception {
    JkvmProcess.Result result = boot("bzImage", "cat /proc/interrupts" + VECTORS, "--virtio=mmio");
    assertVectorsKept(result);
    assertEquals(0, result.status(), result::toString);
    assertTrue(
        Pattern.compile(" 5: .*IO-APIC.*virtio0").matcher(result.out()).find(), result::toString);
  }

  @Test
  void aResetStartsTheMachineAgainWhereThatIsWanted() throws Exception {
    // The first life leaves a mark on the disk, the second finds it and hangs on until it is ended.
    try (JkvmProcess jkvm =
        JkvmProcess.start(
            args(
                "bzImage",
                "[ ! -e /mark ] || { echo second life; sleep 1000; }; echo first life; touch /mark",
                "--on-reboot=restart"))) {
      jkvm.awaitOutput("second life");
      JkvmProcess.signal(jkvm.pid(), "TERM");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(143, result.status(), result::toString);
      assertEquals(
          1,
          Pattern.compile("first life").matcher(result.out()).results().count(),
          result::toString);
      assertTrue(result.err().contains("guest reset, starting again"), result::toString);
    }
  }

  /** Each life is shorter than the limit; the machine that starts again and again is not. */
  @Test
  void theTimeLimitIsForAllLivesTogether() throws Exception {
    List<String> command = new ArrayList<>(List.of("sh", "-c", "yes R | \"$@\"", "sh"));
    command.addAll(
        JkvmProcess.runCommand(
            "--kernel",
            TinyKernel.write(folder).toString(),
            "--on-reboot=restart",
            "--timeout=4s"));
    JkvmProcess.Result result = JkvmProcess.run(JkvmProcess.STOP_SECONDS, command);
    assertEquals(124, result.status(), result::toString);
    assertTrue(result.out().startsWith("K"), result::toString);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 2, --cpus: 0 is not a number of processors",
    "-1, 2, --cpus: -1 is not a number of processors",
    "two, 2, --cpus",
    "100000, 2, --cpus: 100000 is not a number of processors from 1 to 255"
  })
  void impossibleNumbersOfProcessors(String cpus, int status, String why) throws Exception {
    JkvmProcess.Result result = boot("bzImage", "true", "--cpus=" + cpus);
    assertEquals(status, result.status(), result::toString);
    assertEquals(1, result.err().lines().count(), result::toString);
    assertTrue(result.err().contains(why), result::toString);
  }
}
