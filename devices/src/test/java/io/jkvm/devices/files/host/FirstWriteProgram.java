// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;

/**
 * Has threads write to set-user-ID files that have done nothing before, as root with all rights.
 */
final class FirstWriteProgram {
  private FirstWriteProgram() {}

  /** Fails if one of them leaves the bits in place. */
  public static void main(String[] arguments) throws Exception {
    try (HostShare share = new HostShare(Path.of(arguments[0]))) {
      for (String way : List.of("write", "append", "allocate")) {
        Path program = share.file(way, "program");
        Files.setAttribute(program, "unix:mode", FileMode.REGULAR | 06755);
        OpenFile file = serve(way, () -> share.open(share.node(way), OpenFlags.READ_WRITE));
        long result =
            serve(
                way,
                () ->
                    switch (way) {
                      case "write" -> HostShare.write(file, "x", 0);
                      case "append" -> HostShare.append(file, "x");
                      default -> (long) file.allocate(0, 0, 4096);
                    });
        assertTrue(result >= 0, way);
        file.close();
        assertEquals(FileMode.REGULAR | 0755, Files.getAttribute(program, "unix:mode"), way);
      }
    }
  }

  /** On a thread of its own, begun by one that has never served. */
  private static <T> T serve(String name, Callable<T> action) throws Exception {
    FutureTask<T> task = new FutureTask<>(action);
    new Thread(task, name).start();
    return task.get();
  }
}
