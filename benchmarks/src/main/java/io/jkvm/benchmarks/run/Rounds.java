// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Runs all steps on all contenders, round by round. Each round begins with another contender, so
 * that a change in the machine's speed meets all alike.
 */
public final class Rounds {
  private final List<Contender> contenders;
  private final List<Step> steps;
  private final int warmUpCount;
  private final PageCache cache;
  private final Fio fio;
  private final FramePeer peer;
  private final Path errors;
  private final Consumer<String> progress;
  private final List<Sample> samples = new ArrayList<>();

  /**
   * Measures nothing yet.
   *
   * @param warmUpCount requests that each machine serves before it is measured
   * @param disk the file, as {@link PatternFile} writes it
   * @param peer the other side of the machines' network cards
   * @param errors where the machines' standard error goes
   * @param progress is told a line for each sample
   */
  public Rounds(
      List<Contender> contenders,
      List<Step> steps,
      int warmUpCount,
      Path disk,
      long fileBytes,
      FramePeer peer,
      Path errors,
      Consumer<String> progress) {
    this.contenders = contenders;
    this.steps = steps;
    this.warmUpCount = warmUpCount;
    this.cache = new PageCache(disk);
    this.fio = new Fio(disk, fileBytes);
    this.peer = peer;
    this.errors = errors;
    this.progress = progress;
  }

  /** Runs so many rounds and gives all samples. */
  public List<Sample> run(int rounds) throws IOException, InterruptedException {
    for (int round = 1; round <= rounds; round++) {
      List<Contender> turn = new ArrayList<>(contenders);
      Collections.rotate(turn, 1 - round);
      for (Contender contender : turn) {
        if (contender.group() == Contender.Group.HOST) {
          runFio(contender, round);
        } else {
          runGuest(contender, round);
        }
      }
    }
    return List.copyOf(samples);
  }

  private void runFio(Contender contender, int round) throws IOException, InterruptedException {
    for (Step step : steps) {
      if (contender.takes(step)) {
        Fio.Outcome outcome = fio.run(step, contender, cache);
        add(
            new Sample(
                contender.name(),
                step.name(),
                round,
                step.count(),
                outcome.nanos(),
                0,
                outcome.cpuNanos(),
                outcome.systemShare(),
                0,
                0,
                0));
      }
    }
  }

  private void runGuest(Contender contender, int round) throws IOException, InterruptedException {
    List<Step> mine = steps.stream().filter(contender::takes).toList();
    try (GuestRun guest = new GuestRun(contender, errors)) {
      // Twice, since the frequency of its counter is known from two points in time.
      guest.run(Steps.warmUp(warmUpCount / 2), cache);
      guest.run(Steps.warmUp(warmUpCount / 2), cache);
      if (mine.stream().anyMatch(Step::isNetwork)) {
        for (Step step : Steps.networkWarmUp(warmUpCount)) {
          guest.run(step, cache);
          peer.await(step.count());
        }
      }
      for (Step step : mine) {
        GuestRun.Outcome outcome = guest.run(step, cache);
        if (step.isNetwork()) {
          peer.await(step.count()); // or frames were lost, and the time says nothing
        }
        add(sample(contender, step, round, outcome, guest.cyclesPerNano()));
      }
      guest.end();
    }
  }

  private static Sample sample(
      Contender contender, Step step, int round, GuestRun.Outcome outcome, double cyclesPerNano) {
    return new Sample(
        contender.name(),
        step.name(),
        round,
        outcome.count(),
        outcome.cycles() / cyclesPerNano,
        outcome.cycles(),
        step.hasCpuTime() ? (double) outcome.cpu().nanos() / outcome.count() : 0,
        outcome.cpu().systemShare(),
        outcome.notifications(),
        outcome.medianCycles() / cyclesPerNano,
        outcome.lateCycles() / cyclesPerNano);
  }

  private void add(Sample sample) {
    samples.add(sample);
    progress.accept(
        String.format(
            Locale.ROOT,
            "round %d: %s, %s: %.2f us, %.2f us of processor time",
            sample.round(),
            sample.contender(),
            sample.step(),
            sample.nanos() / 1000,
            sample.cpuNanos() / 1000));
  }
}
