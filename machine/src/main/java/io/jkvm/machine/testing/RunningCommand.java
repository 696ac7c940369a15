// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.agent.GuestTask;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;

/** A command of a run with its streams: copied on threads that end with it. */
final class RunningCommand {
  private static final int PIECE_BYTES = 64 << 10;

  private final GuestTask task;
  private final List<StreamPump> pumps;

  /**
   * Begins to copy.
   *
   * @param progress told when something has come or was taken, and of the end
   */
  RunningCommand(String machine, GuestTask task, TestStreams streams, RunProgress progress) {
    this.task = task;
    pumps =
        List.of(
            new StreamPump(machine, "standard output", task.output(), streams.output(), progress),
            new StreamPump(machine, "standard error", task.error(), streams.error(), progress));
    streams.input().ifPresent(in -> feed(machine, in, task.input(), progress));
    task.onEnd(progress::touch);
  }

  /** On a thread that may be left behind in a read of the host's. */
  private static void feed(
      String machine, InputStream from, OutputStream to, RunProgress progress) {
    Thread thread =
        new Thread(
            () -> {
              byte[] piece = new byte[PIECE_BYTES];
              try (to) {
                int count = read(from, piece, progress);
                while (count >= 0) {
                  to.write(piece, 0, count);
                  count = read(from, piece, progress);
                }
              } catch (IOException e) {
                // The command reads no more. What is left of the host's input is left there.
              }
            },
            machine + "/standard input");
    thread.setDaemon(true);
    thread.start();
  }

  /** What can't be read ends the command's input, but its verdict on that is none. */
  private static int read(InputStream from, byte[] piece, RunProgress progress) {
    try {
      return from.read(piece);
    } catch (IOException e) {
      progress.add(new IOException("standard input can't be read: " + e.getMessage(), e));
      return -1;
    }
  }

  Optional<CommandEnd> end() {
    return task.end();
  }

  /** Why it never will end. */
  Optional<String> failure() {
    return task.failure();
  }

  /** Whether all that it has written is where it was to go. */
  boolean isDrained() {
    return pumps.stream().allMatch(StreamPump::hasEnded);
  }

  /** What is not yet where it was to go never will be. */
  void abandonOutput() {
    pumps.forEach(StreamPump::abandon);
  }

  /** What the host could not write. */
  List<Exception> failures() {
    return pumps.stream()
        .map(StreamPump::failure)
        .flatMap(Optional::stream)
        .map(Exception.class::cast)
        .toList();
  }
}
