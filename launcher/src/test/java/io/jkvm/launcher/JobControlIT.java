// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A job of an interactive shell: killed, or its terminal hung up. The guest is the tiny one, which
 * is there at once and echoes every key.
 */
@RequiresKvm
@Timeout(1200)
@Guests
class JobControlIT {
  @TempDir Path folder;
  private String jkvm;

  @BeforeEach
  void writeKernel() throws Exception {
    jkvm =
        JkvmProcess.binary() + " run --quiet --mem 64M --kernel " + TinyKernel.write(folder) + " ";
  }

  /** Starts jkvm in the foreground. */
  private void startGuest(ShellTerminal terminal) throws Exception {
    terminal.start(jkvm);
    terminal.await("K");
    terminal.awaitRaw();
  }

  private static ProcessHandle wrapper(ShellTerminal terminal) {
    return ShellTerminal.childOf(terminal.process());
  }

  /** Otherwise the JVM would go on with the disk's lock and the terminal, and nobody would know. */
  @Test
  void aKilledWrapperTakesTheJvmAlong() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      startGuest(terminal);
      ProcessHandle wrapper = wrapper(terminal);
      ProcessHandle jvm = ShellTerminal.childOf(wrapper);
      JkvmProcess.signal(wrapper.pid(), "KILL");
      terminal.awaitPrompt();
      assertEquals("137", terminal.run("echo $?"));
      ShellTerminal.awaitEnd(jvm);
      assertEquals(settings, terminal.run("stty -g"));
    }
  }

  /** A script's shell, unlike an interactive one, does not put the terminal back. */
  @Test
  void aKilledWrapperOfAScriptLeavesTheTerminalAsItWas() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      terminal.start("sh -c '" + jkvm + "; echo ended $?; sleep 1000; stty -g'");
      terminal.await("K");
      terminal.awaitRaw();
      ProcessHandle wrapper = ShellTerminal.childOf(wrapper(terminal));
      ProcessHandle jvm = ShellTerminal.childOf(wrapper);
      JkvmProcess.signal(wrapper.pid(), "KILL");
      terminal.await("ended 137");
      ShellTerminal.awaitEnd(jvm);
      assertEquals(settings, terminal.settings("-g"));
    }
  }

  @Test
  void aKilledJvmLeavesTheTerminalAsItWas() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      startGuest(terminal);
      JkvmProcess.signal(ShellTerminal.childOf(wrapper(terminal)).pid(), "KILL");
      terminal.awaitPrompt();
      assertEquals("137", terminal.run("echo $?"));
      assertEquals(settings, terminal.run("stty -g"));
    }
  }

  @Test
  void theTerminalGoesAway() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      terminal.run(jkvm + " >/dev/null &");
      ProcessHandle background = wrapper(terminal);
      terminal.start(jkvm);
      terminal.await("K");
      terminal.awaitRaw();
      var all = terminal.process().descendants().toList();
      assertTrue(all.contains(background) && all.size() == 4, all::toString);
      terminal.hangUp();
      for (ProcessHandle each : all) {
        ShellTerminal.awaitEnd(each);
      }
    }
  }
}
