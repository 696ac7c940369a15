// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.Console;
import io.jkvm.machine.Machine;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The examples do what their first lines say. */
@RequiresKvm
@Execution(ExecutionMode.CONCURRENT)
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

  @Test
  void twoMachinesMeet() throws InterruptedException {
    TwoMachines.main(new String[] {KERNEL.toString(), INITRD.toString()});
  }

  @Test
  void theGuestStandsStillWhilePaused() throws InterruptedException {
    PauseAndResume.main(new String[] {KERNEL.toString(), INITRD.toString()});
  }

  @Test
  void aListenerSeesTheLife() throws InterruptedException {
    MachineSpec spec =
        MachineSpec.boot(KERNEL).initrd(INITRD).name("m").commandLine("jkvm.run=true").build();
    LifeOfAMachine life = new LifeOfAMachine();
    try (Machine machine = Machine.start(spec, life)) {
      assertTrue(machine.awaitStop(PATIENCE).isPresent());
    }
    List<String> states = life.events().stream().filter(event -> event.startsWith("m ")).toList();
    assertEquals(
        List.of("m is RUNNING", "m ended: GUEST_RESET", "m is STOPPED", "m is CLOSED"), states);
  }

  @Test
  void aProblemDecides(@TempDir Path folder) throws IOException {
    Path text = Files.writeString(folder.resolve("bzImage"), "no kernel\n");
    assertTrue(ErrorsByProblem.tryToStart(KERNEL, 1).startsWith("choose another size: "));
    assertTrue(ErrorsByProblem.tryToStart(text, 256).startsWith("choose another kernel: "));
    assertEquals("jkvm started", ErrorsByProblem.tryToStart(KERNEL, 256));
  }

  @Test
  void theConsoleIsInAFile(@TempDir Path folder) throws IOException, InterruptedException {
    Path log = folder.resolve("console.log");
    ConsoleToFile.main(new String[] {KERNEL.toString(), INITRD.toString(), log.toString()});
    String text = Files.readString(log);
    assertTrue(text.contains("jkvm: Linux is up") && text.contains("x86_64"), text);
  }

  @Test
  void aSpecificationNeedsNoFiles() {
    assertEquals(2, Specification.webServer().cards().size());
  }
}
