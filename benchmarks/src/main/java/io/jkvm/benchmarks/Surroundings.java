// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks;

import io.jkvm.benchmarks.run.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a result depends on besides the programs' own options. */
final class Surroundings {
  private static final long LOOK_MILLISECONDS = 3000;

  private Surroundings() {}

  /** Names and values, in a fixed order; unknown is what can't be found out. */
  static Map<String, String> describe(Path root, Path disk) throws InterruptedException {
    Map<String, String> about = new LinkedHashMap<>();
    about.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    about.put("commit", ask("git", "-C", "" + root, "describe", "--always", "--dirty"));
    about.put("qemu", ask("qemu-system-x86_64", "--version"));
    about.put("fio", ask("fio", "--version"));
    about.put("java", System.getProperty("java.vm.version"));
    about.put("kernel", ask("uname", "-r"));
    about.put("processor", field("/proc/cpuinfo", "model name"));
    about.put("processors", ask("nproc"));
    about.put("memory", field("/proc/meminfo", "MemTotal"));
    about.put("file system", ask("findmnt", "-n", "-o", "FSTYPE", "-T", "" + disk));
    return about;
  }

  /**
   * How many processors other programs keep busy, over some seconds. Not the load average, in which
   * is what this program's own build did before.
   */
  static double busyProcessors() throws IOException, InterruptedException {
    long[] before = processorTime();
    Thread.sleep(LOOK_MILLISECONDS);
    long[] after = processorTime();
    double all = after[0] - before[0];
    return (all - (after[1] - before[1])) / all * Runtime.getRuntime().availableProcessors();
  }

  /** Of all processors together, in ticks: all of it, and the idle part. */
  private static long[] processorTime() throws IOException {
    String all = Files.readAllLines(Path.of("/proc/stat")).get(0);
    long[] ticks =
        Arrays.stream(all.strip().split(" +")).skip(1).mapToLong(Long::parseLong).toArray();
    // user nice system idle iowait irq softirq steal; what follows is in user and nice already
    return new long[] {Arrays.stream(ticks, 0, 8).sum(), ticks[3] + ticks[4]};
  }

  private static String ask(String... command) throws InterruptedException {
    try {
      return Command.run(command).strip().lines().findFirst().orElse("unknown");
    } catch (IOException e) {
      return "unknown";
    }
  }

  private static String field(String file, String name) {
    try {
      return Files.readAllLines(Path.of(file)).stream()
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("unknown");
    } catch (IOException e) {
      return "unknown";
    }
  }
}
