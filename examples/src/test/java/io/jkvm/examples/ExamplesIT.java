// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.Console;
import io.jkvm.machine.Machine;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The examples do what their first lines say. */
@RequiresKvm
class ExamplesIT {
  private static final Path KERNEL = ProjectFiles.guestImage("bzImage");
  private static final Path INITRD = ProjectFiles.guestImage("initramfs.cpio");
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  @Test
  void theGuestAnswers() throws InterruptedException {
    AskTheGuest.main(new String[] {KERNEL.toString(), INITRD.toString()});
  }

  @Test
  void devicesOfOnesOwnWork() throws InterruptedException {
    DevicesOfOnesOwn devices = new DevicesOfOnesOwn();
    try (Machine machine = Machine.start(devices.spec(KERNEL, INITRD))) {
      Console console = machine.console();
      console.expect("# ", PATIENCE);
      console.send("head -c 4 /dev/vda; echo\n");
      console.expect("\nJJJJ", PATIENCE);
      console.send("ip link set eth0 up; arping -c 2 -I eth0 10.1.1.1; echo sent=$?\n");
      console.expect("sent=1", PATIENCE);
      assertTrue(devices.frames() > 0);
    }
  }
}
