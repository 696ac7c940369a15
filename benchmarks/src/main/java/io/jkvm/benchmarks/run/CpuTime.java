// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Processor time of a process's threads at one moment. To the nanosecond from schedstat; the share
 * of the kernel is known in hundredths of a second only, from stat.
 */
final class CpuTime {
  private record Thread(long nanos, long userTicks, long systemTicks) {}

  /** What was used between two moments. */
  record Used(long nanos, double systemShare) {}

  private final Map<String, Thread> threads = new HashMap<>();

  /**
   * Looks at a process.
   *
   * @param counted which threads, by their names
   */
  static CpuTime of(long pid, Predicate<String> counted) throws IOException {
    CpuTime now = new CpuTime();
    try (DirectoryStream<Path> tasks =
        Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "task"))) {
      for (Path task : tasks) {
        try {
          now.add(task, counted);
        } catch (IOException e) {
          // It ended in between.
        }
      }
    }
    return now;
  }

  private void add(Path task, Predicate<String> counted) throws IOException {
    if (!counted.test(Files.readString(task.resolve("comm")).strip())) {
      return;
    }
    String nanos = Files.readString(task.resolve("schedstat")).split(" ")[0];
    String stat = Files.readString(task.resolve("stat"));
    // stat(5): the name may have anything in it, so fields are counted from behind it; utime is
    // the 14th, stime the 15th, the state behind the name the 3rd.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    threads.put(
        task.getFileName().toString(),
        new Thread(Long.parseLong(nanos), Long.parseLong(fields[11]), Long.parseLong(fields[12])));
  }

  /** What was used since an earlier moment. Threads that ended meanwhile are not in it. */
  Used since(CpuTime earlier) {
    long nanos = 0;
    long user = 0;
    long system = 0;
    for (Map.Entry<String, Thread> entry : threads.entrySet()) {
      Thread now = entry.getValue();
      Thread then = earlier.threads.getOrDefault(entry.getKey(), new Thread(0, 0, 0));
      nanos += now.nanos - then.nanos;
      user += now.userTicks - then.userTicks;
      system += now.systemTicks - then.systemTicks;
    }
    return new Used(nanos, user + system == 0 ? 0 : (double) system / (user + system));
  }
}
