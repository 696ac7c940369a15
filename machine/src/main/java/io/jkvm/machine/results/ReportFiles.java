// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * The reports that were asked for, whose places are opened before any guest runs. Until the end
 * they tell that there was none.
 */
public final class ReportFiles implements AutoCloseable {
  /** A report's file, and what it has of runs. */
  private record Report(ReportFile file, Function<RunSet, ReportFile.Content> kind) {}

  private final List<Report> reports = new ArrayList<>();

  private ReportFiles() {}

  /**
   * Opens them.
   *
   * @throws IOException names the file
   */
  public static ReportFiles open(Optional<Path> junit, Optional<Path> json) throws IOException {
    ReportFiles files = new ReportFiles();
    try {
      if (junit.isPresent()) {
        files.add(junit.get(), runs -> new JUnitReport(runs)::write);
      }
      if (json.isPresent()) {
        files.add(json.get(), runs -> new JsonReport(runs)::write);
      }
      return files;
    } catch (IOException e) {
      files.close();
      throw e;
    }
  }

  private void add(Path path, Function<RunSet, ReportFile.Content> kind) throws IOException {
    reports.add(new Report(ReportFile.open(path), kind));
  }

  /** Writes what is to stand there if nothing else comes, where that can be replaced. */
  public void writeFirst(RunReport run) throws IOException {
    for (Report report : reports) {
      if (report.file.canBeReplaced()) {
        report.file.write(report.kind.apply(new RunSet(List.of(run))));
      }
    }
  }

  /**
   * Writes the reports, each one that can be.
   *
   * @throws IOException names the first one that can't be
   */
  public void write(List<RunReport> runs) throws IOException {
    IOException first = null;
    for (Report report : reports) {
      try {
        report.file.write(report.kind.apply(new RunSet(runs)));
      } catch (IOException e) {
        first = first == null ? e : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /** What was written is there already. */
  @Override
  public void close() {
    for (Report report : reports) {
      try {
        report.file.close();
      } catch (IOException e) {
        continue; // of a stream each write was flushed
      }
    }
  }
}
