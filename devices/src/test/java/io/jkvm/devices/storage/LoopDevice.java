// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** A block device over a file, made by losetup(8), which needs the rights to do so. */
final class LoopDevice implements AutoCloseable {
  private final String device;

  private LoopDevice(String device) {
    this.device = device;
  }

  /** Makes one, or has the test skipped where that is not possible. */
  static LoopDevice over(Path file, int sectorBytes) throws Exception {
    String[] said = new String[1];
    String sectors = Integer.toString(sectorBytes);
    boolean made = run(said, "losetup", "--find", "--show", "-b", sectors, file.toString());
    assumeTrue(made, "no loop device: " + said[0]);
    return new LoopDevice(said[0]);
  }

  private static boolean run(String[] said, String... command) throws InterruptedIOException {
    try {
      Process process = new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
      said[0] = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      return process.waitFor() == 0;
    } catch (IOException e) {
      said[0] = e.getMessage();
      return false;
    } catch (InterruptedException e) {
      throw new InterruptedIOException(command[0]);
    }
  }

  Path path() {
    return Path.of(device);
  }

  @Override
  public void close() throws IOException {
    String[] said = new String[1];
    if (!run(said, "losetup", "--detach", device)) {
      throw new IOException(said[0]);
    }
  }
}
