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
  private static final Duration LOOK = Duration.ofMillis(50);

  /** How long the writer may take for what is queued, where nobody waits for the reader. */
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

  /** How long a reader may take nothing at all before it is given up. */
  private static final Duration READER_TIMEOUT = Duration.ofSeconds(10);

  private final Consumer<IOException> onFailure;
  private final ConsoleStream stream;
  private volatile IOException failure;

  /** Why the reader is not waited for any more; empty if he is. */
  private String inVain = "";

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

  /** Waits until the queue is written, which it is at once unless a reader is slow. */
  boolean awaitWritten() {
    return stream.awaitWritten(CLOSE_TIMEOUT);
  }

  /**
   * Waits until the queue is written, as long as the reader goes on reading.
   *
   * @param limit how long at most
   * @param hurry what ends the wait: a signal
   */
  void awaitReader(Duration limit, CountDownLatch hurry) throws InterruptedException {
    long begun = System.nanoTime();
    long last = begun;
    long written = stream.writtenBytes();
    while (!stream.awaitWritten(LOOK) && !hurry.await(0, TimeUnit.NANOSECONDS)) {
      if (stream.writtenBytes() != written) {
        written = stream.writtenBytes();
        last = System.nanoTime();
      }
      if (isOver(begun, limit)) {
        inVain = "--timeout is over before standard output has taken it; give more time";
        return;
      }
      if (isOver(last, READER_TIMEOUT)) {
        inVain = "nobody reads standard output; read it, or redirect it to a file";
        return;
      }
    }
  }

  private static boolean isOver(long begun, Duration limit) {
    return Duration.ofNanos(System.nanoTime() - begun).compareTo(limit) > 0;
  }

  /**
   * Ends the output.
   *
   * @return what is lost: for what reason the host has, or since the reader was waited for in vain
   */
  Optional<IOException> end() {
    boolean complete = stream.close(CLOSE_TIMEOUT);
    if (failure == null && !complete && !inVain.isEmpty()) {
      failure = new IOException("the end of the guest's output is lost: " + inVain);
    }
    return Optional.ofNullable(failure);
  }

  @Override
  public void close() {
    stream.stopHolding();
    stream.close(CLOSE_TIMEOUT);
  }
}
