// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;

/** Opens and closes a tree over the directory that is its argument, and has it serve meanwhile. */
final class RightsProgram {
  private RightsProgram() {}

  /** Fails if that costs this thread a capability, or the one that serves none. */
  public static void main(String[] arguments) throws Exception {
    String before = rights();
    try (HostTree tree = new HostTree("t", Path.of(arguments[0]))) {
      assertEquals(before, rights());
      FutureTask<String> serving =
          new FutureTask<>(
              () -> {
                tree.forget(HostShare.ROOT, 1);
                return rights();
              });
      new Thread(serving, "serving").start();
      assertNotEquals(before, serving.get(), "a thread that serves has no CAP_FSETID");
      tree.forgetAll();
      tree.sync();
    }
    assertEquals(before, rights());
  }

  /** The calling thread's capabilities. */
  private static String rights() throws IOException {
    try (Stream<String> status = Files.lines(Path.of("/proc/thread-self/status"))) {
      return status.filter(line -> line.startsWith("Cap")).toList().toString();
    }
  }
}
