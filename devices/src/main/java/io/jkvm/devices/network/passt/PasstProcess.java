// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.net.UnixSocket;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One run of passt(1). It ends with our connection, however that ends, because it is told to serve
 * one client only; its directory is gone as soon as we are connected.
 */
final class PasstProcess implements AutoCloseable {
  private static final int START_MILLISECONDS = 10_000;
  private static final int END_MILLISECONDS = 1000;
  private static final int LOOK_MILLISECONDS = 5;

  private final SocketDirectory directory;
  private final String socket;
  private final Process process;
  private final PasstComplaint lastWords;

  /**
   * Starts it.
   *
   * @param options without those for the socket and how to run
   * @param temporary the directory for temporary files
   * @throws IOException one line; nothing is left behind
   */
  PasstProcess(Path executable, List<String> options, String name, Path temporary)
      throws IOException {
    directory = new SocketDirectory(temporary);
    socket = directory.socket();
    try {
      List<String> command = new ArrayList<>(List.of(executable.toString()));
      command.addAll(List.of("--foreground", "--one-off", "--quiet", "--socket", socket));
      command.addAll(options);
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.environment().clear();
      builder.directory(new File("/"));
      builder.redirectInput(new File("/dev/null"));
      builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
      process = builder.start();
    } catch (IOException e) {
      directory.remove();
      throw e;
    }
    try {
      lastWords = new PasstComplaint(process.getErrorStream(), name + " messages");
    } catch (OutOfMemoryError e) {
      // No thread to be had: nobody would end it.
      process.destroyForcibly();
      directory.remove();
      throw e;
    }
  }

  /**
   * Connects as soon as it listens.
   *
   * @throws IOException one line, with its own last words if it ended
   */
  UnixSocket connect() throws IOException {
    long deadline = System.nanoTime() + START_MILLISECONDS * 1_000_000L;
    try {
      while (true) {
        try {
          return UnixSocket.connect(socket);
        } catch (LinuxException e) {
          if (e.errno() != Errno.ENOENT && e.errno() != Errno.ECONNREFUSED) {
            throw e;
          }
        }
        if (process.waitFor(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS)) {
          throw notStarted();
        }
        if (System.nanoTime() > deadline) {
          throw new IOException("passt does not listen on " + socket + " 10 s after its start");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while passt started", e);
    } finally {
      directory.remove();
    }
  }

  private IOException notStarted() {
    String ending = ending();
    return directory
        .obstacle()
        .<IOException>map(why -> new SocketDirectoryException(ending + "; " + why, null))
        .orElseGet(() -> new IOException(ending));
  }

  /** Waits for the end of a process that is about to end, and says how it did. */
  String awaitEnd() {
    try {
      if (process.waitFor(END_MILLISECONDS, TimeUnit.MILLISECONDS)) {
        return ending();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return "passt closed the connection";
  }

  private String ending() {
    int status = process.exitValue();
    String words = lastWords.get();
    String how =
        status > 128 && status < 160
            ? "passt was killed by signal " + (status - 128)
            : "passt ended with status " + status;
    return how + (words.isEmpty() ? " and did not say why" : ": " + words);
  }

  /** Ends the process if it has not ended. */
  @Override
  public void close() {
    process.destroy();
    boolean interrupted = false;
    try {
      if (!process.waitFor(END_MILLISECONDS, TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      interrupted = true;
    }
    lastWords.close();
    directory.remove();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
