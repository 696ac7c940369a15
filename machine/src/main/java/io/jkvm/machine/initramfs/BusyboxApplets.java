// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** Asks a busybox which commands it has, by running it on the host. */
public final class BusyboxApplets {
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
  public static List<String> of(Path busybox) throws IOException {
    List<String> paths = ask(busybox, "--list-full", "");
    if (paths.isEmpty()) {
      // Built without its installer.
      paths = ask(busybox, "--list", "bin/");
    }
    if (paths.isEmpty()) {
      throw new IOException(HostFiles.show(busybox) + " did not list its commands");
    }
    return paths;
  }

  private static List<String> ask(Path busybox, String option, String prefix) throws IOException {
    // A file rather than a pipe: nobody has to read it while the time runs.
    Path answer = Files.createTempFile("jkvm-busybox", ".list");
    try {
      ProcessBuilder builder = new ProcessBuilder(busybox.toAbsolutePath().toString(), option);
      builder.environment().clear();
      builder.redirectInput(new File("/dev/null"));
      builder.redirectOutput(answer.toFile());
      builder.redirectError(ProcessBuilder.Redirect.DISCARD);
      int status = await(busybox, builder);
      if (status != 0) {
        return List.of();
      }
      try (InputStream in = Files.newInputStream(answer)) {
        String text = new String(in.readNBytes(MAX_LIST), StandardCharsets.ISO_8859_1);
        return text.lines()
            .filter(line -> APPLET.matcher(line).matches())
            .map(line -> prefix + line)
            .toList();
      }
    } finally {
      Files.deleteIfExists(answer);
    }
  }

  private static int await(Path busybox, ProcessBuilder builder) throws IOException {
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new IOException(HostFiles.show(busybox) + " can't be run on this host", e);
    }
    try {
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        throw new IOException(
            HostFiles.show(busybox) + " did not list its commands in " + SECONDS + " seconds");
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while " + HostFiles.show(busybox) + " ran", e);
    } finally {
      process.destroyForcibly();
    }
  }
}
