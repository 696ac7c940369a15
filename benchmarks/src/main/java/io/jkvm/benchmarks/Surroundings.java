// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks;

import io.jkvm.benchmarks.run.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a result depends on besides the programs' own options. */
final class Surroundings {
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
    about.put("file system", ask("stat", "-f", "-c", "%T", "" + disk));
    about.put("load before", field("/proc/loadavg", ""));
    return about;
  }

  /** Whether programs have kept a quarter of a processor busy lately. */
  static boolean isBusy() {
    return Double.parseDouble(field("/proc/loadavg", "").split(" ")[0]) > 0.25;
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
