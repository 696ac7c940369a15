// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.kernel.KernelRequirements;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.kernel.Purpose;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class KernelCheckTest {
  private static final Set<Purpose> COMMAND = EnumSet.of(Purpose.COMMAND);
  private static final Set<Purpose> TERMINAL = EnumSet.of(Purpose.COMMAND, Purpose.TERMINAL);

  @TempDir Path folder;

  private KernelCheck check(String config, Set<Purpose> purposes) throws Exception {
    Path file = Files.writeString(folder.resolve(".config"), config);
    Path image = Path.of("some/bzImage");
    KernelSource kernel =
        new KernelSource(image, Optional.empty(), List.of(file), List.of(), List.of());
    return new KernelCheck(kernel, kernel::config, purposes, name -> false);
  }

  private static String with(Set<Purpose> purposes) {
    return KernelRequirements.fragment(purposes);
  }

  @Test
  void saysWhatIsMissingAndWhatFor() throws Exception {
    String config = with(COMMAND).replace("CONFIG_BLK_DEV_INITRD=y\n", "");
    String why = check(config, COMMAND).result().join().orElseThrow();
    assertTrue(why.startsWith("the kernel some/bzImage was built without "), why);
    assertTrue(why.contains("CONFIG_BLK_DEV_INITRD (the agent comes in an initramfs);"), why);
  }

  @Test
  void aTerminalNeedsMore() throws Exception {
    String config = with(COMMAND).replace("CONFIG_UNIX98_PTYS=y\n", ""); // only recommended there
    assertEquals(Optional.empty(), check(config, COMMAND).result().join());
    String why = check(config, TERMINAL).result().join().orElseThrow();
    assertTrue(why.contains("CONFIG_UNIX98_PTYS"), why);
    assertEquals(Optional.empty(), check(with(TERMINAL), TERMINAL).result().join());
  }

  @Test
  void looksOnce() throws Exception {
    KernelCheck check = check("CONFIG_TTY=y\n", COMMAND);
    CompletableFuture<Optional<String>> first = check.result();
    assertTrue(first.join().isPresent());
    assertSame(first, check.result());
  }
}
