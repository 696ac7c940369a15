// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code jkvm test --repeat}: many machines in one process, which leave nothing in it. */
@RequiresKvm
@Guests(2)
class CommandRepeatIT {
  /** From so many runs on growth can be told from a process that is still warming up. */
  private static final int ENOUGH_RUNS = 10;

  private static final Pattern KERNEL = Pattern.compile("\"kernel\"\\s*:\\s*\"([^\"]+)\"");

  @TempDir Path folder;

  /** What a process has at a moment. */
  private record Holdings(long descriptors, long threads, long mappings) {
    static Holdings of(long pid) throws IOException {
      Path process = Path.of("/proc", String.valueOf(pid));
      try (Stream<Path> descriptors = Files.list(process.resolve("fd"));
          Stream<Path> threads = Files.list(process.resolve("task"));
          Stream<String> mappings = Files.lines(process.resolve("maps"))) {
        return new Holdings(descriptors.count(), threads.count(), mappings.count());
      }
    }

    static Holdings peak(List<Holdings> all) {
      return all.stream()
          .reduce(
              new Holdings(0, 0, 0),
              (a, b) ->
                  new Holdings(
                      Math.max(a.descriptors, b.descriptors),
                      Math.max(a.threads, b.threads),
                      Math.max(a.mappings, b.mappings)));
    }
  }

  /**
   * On two kernels that are told apart only by their files, once on each; {@code -Djkvm.repeat=50}
   * tells whether anything grows, too.
   */
  @Test
  void manyRunsInOneProcess() throws Exception {
    int times = Integer.getInteger("jkvm.repeat", 2);
    Path json = folder.resolve("many.json");
    Path other = Files.copy(ProjectFiles.guestImage("bzImage"), folder.resolve("another"));
    List<String> command = CommandEndsIT.command("--kernel", other.toString());
    command.addAll(List.of("--repeat", String.valueOf(times / 2), "--jobs", "2"));
    command.addAll(List.of("--json", json.toString()));
    command.addAll(List.of("--", "sh", "-c", "echo 1..1; echo ok 1 a"));
    List<Holdings> samples = new ArrayList<>();
    JkvmProcess.Result result;
    try (JkvmProcess process = JkvmProcess.start(command)) {
      while (ProcessHandle.of(process.pid()).map(ProcessHandle::isAlive).orElse(false)) {
        try {
          samples.add(Holdings.of(process.pid()));
        } catch (IOException | UncheckedIOException e) {
          // It has ended meanwhile.
        }
        Thread.sleep(200);
      }
      result = process.awaitEnd(times * JkvmProcess.BOOT_SECONDS);
    }
    assertEquals(0, result.status(), result::toString);
    String report = Files.readString(json);
    assertEquals(times, report.split("\"end\"", -1).length - 1, report);
    Set<String> kernels =
        KERNEL.matcher(report).results().map(found -> found.group(1)).collect(Collectors.toSet());
    assertEquals(2, kernels.size(), kernels::toString);
    if (times >= ENOUGH_RUNS) {
      int quarter = samples.size() / 4;
      Holdings early = Holdings.peak(samples.subList(quarter, 2 * quarter));
      Holdings late = Holdings.peak(samples.subList(3 * quarter, samples.size()));
      String both = early + " and later " + late;
      assertTrue(late.descriptors <= early.descriptors, both);
      assertTrue(late.threads <= early.threads, both);
      assertTrue(late.mappings <= early.mappings + early.mappings / 20, both);
    }
  }
}
