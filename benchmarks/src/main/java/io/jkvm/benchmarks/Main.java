// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks;

import io.jkvm.benchmarks.report.Chart;
import io.jkvm.benchmarks.report.Results;
import io.jkvm.benchmarks.report.Summary;
import io.jkvm.benchmarks.report.Tables;
import io.jkvm.benchmarks.run.Contender;
import io.jkvm.benchmarks.run.Contenders;
import io.jkvm.benchmarks.run.FramePeer;
import io.jkvm.benchmarks.run.PatternFile;
import io.jkvm.benchmarks.run.Rounds;
import io.jkvm.benchmarks.run.Sample;
import io.jkvm.benchmarks.run.Step;
import io.jkvm.benchmarks.run.Steps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** The command; {@code benchmarks/bench.sh} starts it and says what its settings are. */
public final class Main {
  private static final int WARM_UP_COUNT = 20_000;
  private static final int SHORT_WARM_UP_COUNT = 2_000;

  /** Processors. */
  private static final double MOST_BUSY = 0.1;

  private Main() {}

  /**
   * Runs the benchmark.
   *
   * @param args the top of the source tree, a folder for the disk's file
   */
  public static void main(String[] args) throws InterruptedException {
    try {
      run(Path.of(args[0]), Path.of(args[1]), System.getenv());
    } catch (IOException e) {
      System.err.println("bench: " + e.getMessage());
      System.exit(1);
    }
  }

  private static void run(Path root, Path work, Map<String, String> settings)
      throws IOException, InterruptedException {
    boolean few = settings.getOrDefault("SHORT", "").equals("1");
    int rounds = Integer.parseInt(settings.getOrDefault("ROUNDS", few ? "1" : "5"));
    String name = settings.getOrDefault("NAME", few ? "short" : "disk");
    Pattern wanted = Pattern.compile(settings.getOrDefault("STEPS", ".*"));
    long bytes = few ? Steps.FEW_FILE_BYTES : Steps.FILE_BYTES;
    List<Step> steps =
        (few ? Steps.few() : Steps.all())
            .stream().filter(step -> wanted.matcher(step.name()).matches()).toList();

    Path disk = work.resolve("disk.img");
    Path socket = work.resolve("network");
    List<Contender> contenders =
        new Contenders(
                settings,
                root.resolve("launcher/target/jkvm/bin/jkvm"),
                root.resolve("guest-images/build/bench.elf"),
                disk,
                socket)
            .find();
    if (contenders.isEmpty() || steps.isEmpty()) {
      throw new IOException("ONLY or STEPS leaves nothing to measure");
    }
    System.err.println("bench: writing " + (bytes >> 20) + " MiB to " + disk);
    PatternFile.write(disk, bytes);
    Map<String, String> about = Surroundings.describe(root, disk);
    double busy = Surroundings.busyProcessors();
    about.put("processors busy before", String.format(Locale.ROOT, "%.2f", busy));
    if (busy > MOST_BUSY) {
      System.err.println("bench: other programs are running here; what comes out says little");
    }
    List<Sample> samples;
    try (FramePeer peer = new FramePeer(socket)) {
      samples =
          new Rounds(
                  contenders,
                  steps,
                  few ? SHORT_WARM_UP_COUNT : WARM_UP_COUNT,
                  disk,
                  bytes,
                  peer,
                  work.resolve("errors"),
                  line -> System.err.println("bench: " + line))
              .run(rounds);
    }

    Summary summary =
        new Summary(
            steps.stream().map(Step::name).toList(),
            contenders.stream().map(Contender::name).toList(),
            samples);
    Path results = Files.createDirectories(root.resolve("benchmarks/results"));
    Results.write(results.resolve(name + ".json"), about, samples);
    String title = "Time of a request as a multiple of the best of QEMU (the line)";
    Files.writeString(results.resolve(name + ".svg"), Chart.svg(summary, title));
    about.forEach((what, value) -> System.out.println(what + ": " + value));
    System.out.println("rounds: " + rounds + "\n\n" + new Tables(summary).text());
    System.out.println("written: " + results.resolve(name) + ".json and .svg");
  }
}
