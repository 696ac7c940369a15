// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.Console;
import io.jkvm.machine.ConsoleStream;
import io.jkvm.machine.report.MachineException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Where a run's kernel log goes: a file, standard error, both or nowhere. */
final class LogStreams implements AutoCloseable {
  private static final Duration DRAIN = Duration.ofSeconds(10);

  private final List<ConsoleStream> streams = new ArrayList<>();
  private volatile IOException failure;

  /**
   * Opens them.
   *
   * @throws io.jkvm.machine.report.MachineException if the file can't be written
   */
  LogStreams(TestSpec spec) {
    spec.kernelLog().ifPresent(file -> streams.add(open(file, spec.kernelLogIsNew())));
    if (spec.kernelLogOnError()) {
      try {
        streams.add(ConsoleStream.standardError(this::failed));
      } catch (MachineException e) {
        streams.forEach(ConsoleStream::close);
        throw e;
      }
    }
  }

  private ConsoleStream open(Path file, boolean isNew) {
    return isNew
        ? ConsoleStream.newFile(file, this::failed)
        : ConsoleStream.file(file, this::failed);
  }

  /** The guest is not held up by it: what follows is discarded. */
  private void failed(IOException e) {
    failure = e;
  }

  void attach(Console console) {
    streams.forEach(console::attach);
  }

  /** Whether the guest has to wait for one of them. */
  boolean isFull() {
    return streams.stream().anyMatch(ConsoleStream::isFull);
  }

  /** The first write that failed, such as for a full disk. */
  Optional<IOException> failure() {
    return Optional.ofNullable(failure);
  }

  @Override
  public void close() {
    for (ConsoleStream stream : streams) {
      if (!stream.close(DRAIN)) {
        failure = failure == null ? new IOException("the kernel's log is cut") : failure;
      }
    }
  }
}
