// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelFinderTest {
  @TempDir Path folder;

  @Test
  void takesTheFirstThatIsAFile() throws IOException {
    Path missing = folder.resolve("missing");
    Path directory = Files.createDirectory(folder.resolve("bzImage"));
    Path kernel = Files.createFile(folder.resolve("kernel"));
    Path other = Files.createFile(folder.resolve("other"));
    assertEquals(kernel, new KernelFinder(List.of(missing, directory, kernel, other)).find());
  }

  @Test
  void namesAllPlacesAndTheOptionWhereThereIsNone() {
    KernelFinder finder = new KernelFinder(List.of(folder.resolve("a"), folder.resolve("b")));
    String message = assertThrows(IOException.class, finder::find).getMessage();
    assertTrue(message.contains(folder.resolve("a") + ", " + folder.resolve("b")), message);
    assertTrue(message.contains("--kernel"), message);
  }
}
