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
  private final Fd fd;
  private final String name;
  private final Consumer<IOException> onFailure;

  private ConsoleStream(Fd fd, String name, Consumer<IOException> onFailure) {
    this.fd = fd;
    this.name = name;
    this.onFailure = onFailure;
    try {
      output = new ConsoleOutput(fd, name, onFailure::accept);
    } catch (LinuxException e) {
      fd.close();
      throw new MachineException(Problem.HOST, e.getMessage(), e);
    }
  }

  /**
   * The process' standard output.
   *
   * @param onFailure told of the first failed write, after which output is discarded, or of what
   *     the host says at the close
   * @throws MachineException with {@link Problem#HOST} if no descriptor is left
   */
  public static ConsoleStream standardOutput(Consumer<IOException> onFailure) {
    return standard(STANDARD_OUTPUT, "standard output", onFailure);
  }

  /** The process' standard error, in the same way. */
  public static ConsoleStream standardError(Consumer<IOException> onFailure) {
    return standard(STANDARD_ERROR, "standard error", onFailure);
  }

  private static ConsoleStream standard(int fd, String name, Consumer<IOException> onFailure) {
    try {
      return new ConsoleStream(Fd.duplicate(fd, name), name, onFailure);
    } catch (LinuxException e) {
      boolean isFull = e.errno() == Errno.EMFILE || e.errno() == Errno.ENFILE;
      Problem problem = isFull ? Problem.HOST_FILES : Problem.HOST;
      throw new MachineException(problem, e.getMessage(), e);
    }
  }

  /**
   * A file, made if there is none, emptied if there is one.
   *
   * @param onFailure as for standard output
   * @throws MachineException with {@link Problem#HOST} if it can't be opened
   */
  public static ConsoleStream file(Path file, Consumer<IOException> onFailure) {
    try {
      Fd fd = Fd.create(file.toString());
      return new ConsoleStream(fd, file.toString(), onFailure);
    } catch (LinuxException e) {
      throw new MachineException(Problem.HOST, e.getMessage(), e);
    }
  }

  /** Whether a write failed since the file would be larger than this process may make one. */
  public static boolean isBeyondFileSize(Throwable failure) {
    return failure instanceof LinuxException why && why.errno() == Errno.EFBIG;
  }

  /** Whether a write failed since nobody reads the pipe, or the terminal has hung up. */
  public static boolean hasReaderLeft(Throwable failure) {
    return failure instanceof LinuxException why
        && (why.errno() == Errno.EPIPE || why.errno() == Errno.EIO);
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
      return new ConsoleStream(fd, file.toString(), onFailure);
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

  /** How much has been written. */
  public long writtenBytes() {
    return output.writtenBytes();
  }

  /** From now on a guest is not held back for a full queue: what does not fit is lost. */
  public void stopHolding() {
    output.stopHolding();
  }

  /**
   * Waits until what is queued is written, or a write has failed.
   *
   * @return false if it is not in that time
   */
  public boolean awaitWritten(Duration timeout) {
    return output.awaitEmpty(timeout.toMillis());
  }

  /**
   * Waits until what is queued is written, then ends the thread.
   *
   * @param timeout how long at most; what is left then is dropped
   * @return true if all output was written
   */
  public boolean close(Duration timeout) {
    boolean complete = output.close(timeout.toMillis());
    if (output.hasEnded()) {
      try {
        fd.closeWritten(name);
      } catch (LinuxException e) {
        onFailure.accept(e);
        return false;
      }
    }
    return complete;
  }

  @Override
  public void close() {
    close(CLOSE_TIMEOUT);
  }
}
