// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import io.jkvm.machine.ConsoleStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** What the guest prints, on its way to standard output. */
final class GuestOutput implements AutoCloseable {
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);
  private static final Duration LOOK = Duration.ofMillis(50);
  private static final Duration READER_TIMEOUT = Duration.ofSeconds(10);

  private final Consumer<IOException> onFailure;
  private final ConsoleStream stream;
  private volatile IOException failure;

  /**
   * For one machine after the other.
   *
   * @param onFailure told what the host says of a write or of the close
   */
  GuestOutput(Consumer<IOException> onFailure) {
    this.onFailure = onFailure;
    stream = ConsoleStream.standardOutput(this::failed);
  }

  private void failed(IOException e) {
    failure = e;
    onFailure.accept(e);
  }

  /** Where a console is attached. */
  ConsoleStream stream() {
    return stream;
  }

  /**
   * Writes the last words of a guest that ended by itself, to a slow reader as well.
   *
   * @param hurry what ends the wait for the reader: a signal
   * @return what is lost, for a person
   */
  Optional<IOException> drain(CountDownLatch hurry) throws InterruptedException {
    long deadline = System.nanoTime() + READER_TIMEOUT.toNanos();
    boolean isHurried = false;
    while (!isHurried && !stream.awaitWritten(LOOK) && System.nanoTime() < deadline) {
      isHurried = hurry.await(0, TimeUnit.NANOSECONDS);
    }
    if (!stream.close(CLOSE_TIMEOUT) && failure == null && !isHurried) {
      failure =
          new IOException(
              "the end of the guest's output is lost: nobody read standard output for "
                  + READER_TIMEOUT.toSeconds()
                  + " s");
    }
    return Optional.ofNullable(failure);
  }

  @Override
  public void close() {
    stream.stopHolding();
    stream.close(CLOSE_TIMEOUT);
  }
}
