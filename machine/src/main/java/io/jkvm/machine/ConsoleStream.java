// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.console.ConsoleOutput;
import io.jkvm.devices.serial.SerialSink;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Writes consoles' output to a file or a standard stream, on a thread of its own. It may serve one
 * machine after the other: {@link Console#attach}, then {@link Console#detach}.
 */
public final class ConsoleStream implements AutoCloseable {
  private static final int STANDARD_OUTPUT = 1;
  private static final int STANDARD_ERROR = 2;
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

  private final ConsoleOutput output;
  private final Fd owned;

  private ConsoleStream(Fd fd, Fd owned, String name, Consumer<IOException> onFailure) {
    this.owned = owned;
    try {
      output = new ConsoleOutput(fd, name, onFailure::accept);
    } catch (LinuxException e) {
      if (owned != null) {
        owned.close();
      }
      throw new MachineException(Problem.HOST, e.getMessage(), e);
    }
  }

  /**
   * The process' standard output.
   *
   * @param onFailure told of the first failed write; later output is discarded
   */
  public static ConsoleStream standardOutput(Consumer<IOException> onFailure) {
    return new ConsoleStream(new Fd(STANDARD_OUTPUT), null, "standard output", onFailure);
  }

  /** The process' standard error, in the same way. */
  public static ConsoleStream standardError(Consumer<IOException> onFailure) {
    return new ConsoleStream(new Fd(STANDARD_ERROR), null, "standard error", onFailure);
  }

  /**
   * A file, made if there is none, emptied if there is one.
   *
   * @param onFailure told of the first failed write; later output is discarded
   * @throws MachineException with {@link Problem#HOST} if it can't be opened
   */
  public static ConsoleStream file(Path file, Consumer<IOException> onFailure) {
    try {
      Fd fd = Fd.create(file.toString());
      return new ConsoleStream(fd, fd, file.toString(), onFailure);
    } catch (LinuxException e) {
      throw new MachineException(Problem.HOST, e.getMessage(), e);
    }
  }

  /** Whether a write failed since the file would be larger than this process may make one. */
  public static boolean isBeyondFileSize(Throwable failure) {
    return failure instanceof LinuxException why && why.errno() == Errno.EFBIG;
  }

  /**
   * The same for a file that is made anew in place of whatever has its name, such as a link: for a
   * directory that others write to.
   *
   * @throws MachineException with {@link Problem#HOST} if it can't be made
   */
  public static ConsoleStream newFile(Path file, Consumer<IOException> onFailure) {
    try {
      Files.deleteIfExists(file);
      Fd fd = Fd.createNew(file.toString());
      return new ConsoleStream(fd, fd, file.toString(), onFailure);
    } catch (LinuxException e) {
      throw new MachineException(Problem.HOST, e.getMessage(), e);
    } catch (IOException e) {
      throw new MachineException(Problem.HOST, file + " can't be replaced: " + e.getMessage(), e);
    }
  }

  SerialSink sink() {
    return output;
  }

  /** Whether its queue is full, so that a guest which prints more has to wait. */
  public boolean isFull() {
    return !output.hasRoom();
  }

  /** From now on a guest is not held back for a full queue: what does not fit is lost. */
  public void stopHolding() {
    output.stopHolding();
  }

  /**
   * Waits until what is queued is written, then ends the thread.
   *
   * @param timeout how long at most; what is left then is dropped
   * @return true if all output was written
   */
  public boolean close(Duration timeout) {
    boolean complete = output.close(timeout.toMillis());
    if (owned != null && output.hasEnded()) {
      owned.close();
    }
    return complete;
  }

  @Override
  public void close() {
    close(CLOSE_TIMEOUT);
  }
}
