// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/** Asks a busybox which commands it has, by running it on the host. */
final class BusyboxApplets {
  private static final int SECONDS = 10;
  private static final int MAX_LIST = 1 << 18;
  private static final Pattern APPLET = Pattern.compile("[A-Za-z0-9_./\\[-]{1,100}");

  private BusyboxApplets() {}

  /**
   * The paths of its commands, such as {@code sbin/reboot}, as it would install them.
   *
   * @param busybox a program; it gets no arguments but its own options, and no environment
   * @throws IOException one line that names the file: it can't be run, does not answer in ten
   *     seconds, or is no busybox
   */
  static List<String> of(Path busybox) throws IOException {
    List<String> paths = ask(busybox, "--list-full", "");
    if (paths.isEmpty()) {
      // Built without its installer.
      paths = ask(busybox, "--list", "bin/");
    }
    if (paths.isEmpty()) {
      throw new IOException(busybox + " did not list its commands");
    }
    return paths;
  }

  private static List<String> ask(Path busybox, String option, String prefix) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(busybox.toAbsolutePath().toString(), option);
    builder.environment().clear();
    builder.redirectInput(new File("/dev/null"));
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new IOException(busybox + " can't be run on this host", e);
    }
    try {
      return answer(process)
          .lines()
          .filter(line -> APPLET.matcher(line).matches())
          .map(line -> prefix + line)
          .toList();
    } catch (TimeoutException e) {
      throw new IOException(busybox + " did not list its commands in " + SECONDS + " seconds", e);
    } catch (ExecutionException e) {
      throw new IOException(busybox + " can't be heard: " + e.getCause().getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while " + busybox + " ran", e);
    } finally {
      process.destroyForcibly();
    }
  }

  /** What it prints; nothing if it fails. A thread reads, as a read has no time limit. */
  private static String answer(Process process)
      throws ExecutionException, InterruptedException, TimeoutException {
    FutureTask<byte[]> read =
        new FutureTask<>(
            () -> {
              try (InputStream in = process.getInputStream()) {
                return in.readNBytes(MAX_LIST);
              }
            });
    Thread reader = new Thread(read, "busybox");
    reader.setDaemon(true);
    reader.start();
    byte[] bytes = read.get(SECONDS, TimeUnit.SECONDS);
    boolean succeeded = process.waitFor(SECONDS, TimeUnit.SECONDS) && process.exitValue() == 0;
    return succeeded ? new String(bytes, StandardCharsets.ISO_8859_1) : "";
  }
}
