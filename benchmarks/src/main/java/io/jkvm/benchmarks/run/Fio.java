// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The ceiling: the same requests by fio and io_uring on the host, without any machine. */
final class Fio {
  // fio-terse(5), version 3: the runtime of reads is field 9, of writes field 50, in ms.
  private static final int READ_IOPS = 7;
  private static final int WRITE_IOPS = 48;
  private static final int READ_RUNTIME = 8;
  private static final int WRITE_RUNTIME = 49;
  // How often fio is started for nothing, to know what a start alone costs.
  private static final int STARTS = 3;
  private static final Pattern TIMES = Pattern.compile("cpu ([0-9.]+) ([0-9.]+)");

  private final Path disk;
  private final long fileBytes;
  private int starts;
  private double startSeconds = Double.MAX_VALUE;

  /** What a run came to. */
  record Outcome(double nanos, double cpuNanos, double systemShare) {}

  private record Run(double nanos, double userSeconds, double systemSeconds) {}

  Fio(Path disk, long fileBytes) {
    this.disk = disk;
    this.fileBytes = fileBytes;
  }

  Outcome run(Step step, Contender contender, PageCache cache)
      throws IOException, InterruptedException {
    while (starts < STARTS) {
      Run nothing = runOnce(Steps.warmUp(1), contender.direct());
      startSeconds = Math.min(startSeconds, nothing.userSeconds + nothing.systemSeconds);
      starts++;
    }
    cache.prepare(contender.wanted(step));
    Run run = runOnce(step, contender.direct());
    double seconds = Math.max(0, run.userSeconds + run.systemSeconds - startSeconds);
    return new Outcome(
        run.nanos,
        seconds * 1e9 / step.count(),
        run.systemSeconds / Math.max(1e-9, run.userSeconds + run.systemSeconds));
  }

  private Run runOnce(Step step, boolean direct) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    // The shell counts what fio and all its threads use, also the kernel's for io_uring, which fio
    // itself does not.
    command.addAll(
        List.of(
            "bash", "-c", "TIMEFORMAT='cpu %U %S'; time \"$@\"", "bash", "fio", "--name=bench"));
    command.addAll(
        List.of(
            "--filename=" + disk.toString().replace(":", "\\:"),
            "--ioengine=io_uring",
            "--direct=" + (direct ? 1 : 0),
            "--invalidate=0",
            "--allow_file_create=0",
            "--output-format=terse",
            "--terse-version=3"));
    command.addAll(step.fioArguments(fileBytes));
    String output = Command.run(command.toArray(String[]::new));
    Matcher times = TIMES.matcher(output);
    String[] fields = output.strip().split("\n")[0].split(";");
    if (!times.find() || fields.length <= WRITE_RUNTIME) {
      throw new IOException("fio said something unexpected: " + Command.tail(output));
    }
    double runtimeMillis =
        Math.max(
            Double.parseDouble(fields[READ_RUNTIME]), Double.parseDouble(fields[WRITE_RUNTIME]));
    double perSecond =
        Double.parseDouble(fields[READ_IOPS]) + Double.parseDouble(fields[WRITE_IOPS]);
    // Its rate has more digits than its time; flushes are in neither.
    double nanos = step.flushes() == 0 ? 1e9 / perSecond : runtimeMillis * 1e6 / step.count();
    return new Run(nanos, Double.parseDouble(times.group(1)), Double.parseDouble(times.group(2)));
  }
}
