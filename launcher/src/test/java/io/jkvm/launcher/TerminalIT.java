// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A terminal on all three streams: keys, and how the terminal is afterwards. */
@RequiresKvm
@Timeout(1200)
@Guests
class TerminalIT {
  /** Others than the defaults, so that it is seen that they come back. */
  private static final String OWN_SETTINGS = "stty erase ^H kill ^U -ixany";

  private static final String PASTE = "0123456789abcdef".repeat(1250);
  private static final String PASTE_MD5 = "54f1990a20afd23e50d8fb4e54d83333";

  @TempDir Path folder;

  private static String jkvm(Path kernel, String more) {
    return JkvmProcess.binary() + " run --mem 64M --kernel " + kernel + " " + more;
  }

  private String tiny(String more) throws Exception {
    return jkvm(TinyKernel.write(folder), more);
  }

  /** Starts a guest that echoes every key. */
  private void startTiny(ShellTerminal terminal, String more) throws Exception {
    terminal.start(tiny(more));
    terminal.awaitRaw();
    terminal.type("~");
    terminal.await("~");
  }

  private static void assertEnded(ShellTerminal terminal, int status, String settings)
      throws Exception {
    terminal.awaitPrompt();
    assertEquals("" + status, terminal.run("echo $?"));
    assertEquals(settings, terminal.run("stty -g"));
  }

  @Test
  void keysReachTheGuestAndCtrlAIsOurs() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run(OWN_SETTINGS + "; stty -g");
      String initrd = " --initrd " + ProjectFiles.guestImage("initramfs.cpio");
      terminal.start(
          jkvm(ProjectFiles.guestImage("bzImage"), "--verbose --cmdline quiet" + initrd));
      terminal.await("the guest runs");
      terminal.type("\u0001h");
      terminal.await("Ctrl-A x  stop the virtual machine");
      terminal.await("leave with exit");
      terminal.awaitRaw();

      terminal.type("echo answer $((6*7))\r");
      terminal.await("answer 42");
      // Ctrl-C is the guest's: it ends the command there, not jkvm. The second copy shows that
      // cat has the terminal: a shell that is about to start something may lose the key.
      terminal.type("sh -c 'echo sta\"\"rted; exec cat'; echo went on\r");
      terminal.await("started");
      terminal.type("copied\r");
      terminal.await("copied");
      terminal.await("copied");
      terminal.type("\u0003");
      terminal.resize(100, 30);
      terminal.type("\recho still $((6*7))\r");
      terminal.await("still 42");

      // More than the queues of both terminals and of the serial port hold.
      terminal.type("stty raw -echo; echo ready $((6*7)); head -c 20000 | md5sum; stty sane\r");
      terminal.await("ready 42");
      terminal.type(PASTE);
      terminal.await(PASTE_MD5);

      // A break on the serial console is Linux's SysRq.
      terminal.type("\u0001bh");
      terminal.await("sysrq: HELP");

      terminal.type("\u0001x");
      assertEnded(terminal, 0, settings);
      assertFalse(terminal.all().contains("\nwent on"), terminal.all());
    }
  }

  @Test
  void everyCommandBehindCtrlA() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      startTiny(terminal, "--quiet");
      terminal.type("\u0001h");
      for (String key : new String[] {"x", "p", "b", "h", "a"}) {
        terminal.await("Ctrl-A " + key + "  ");
      }
      terminal.type("\u0001p");
      terminal.await("the guest does not listen to the power button");
      terminal.type("\u0001b");
      terminal.await("\0"); // what a UART has for a break
      terminal.type("1\u0001a2");
      terminal.await("1\u00012");
      terminal.type("L");
      terminal.await("L");
      terminal.type("\u0001p3");
      assertEquals("3", terminal.await("3"));
      terminal.type("\u0001x");
      assertEnded(terminal, 0, settings);
    }
  }

  @ParameterizedTest
  @CsvSource({"TERM, 143", "INT, 130", "HUP, 129"})
  void aSignalRestoresTheTerminal(String signal, int status) throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run(OWN_SETTINGS + "; stty -g");
      for (int whom : new int[] {1, -1}) { // the process alone, and its group
        startTiny(terminal, "--quiet --grace 600s"); // it does not listen: no grace
        long wrapper = ShellTerminal.childOf(terminal.process()).pid();
        JkvmProcess.signal(whom * wrapper, signal);
        assertEnded(terminal, status, settings);
      }
    }
  }

  /**
   * A signal to the group, as timeout(1) sends it, comes to the JVM twice: bin/jkvm sends one on.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, -1})
  void aSecondSignalEndsAGuestThatTakesItsTime(int whom) throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      startTiny(terminal, "--grace 600s");
      terminal.type("L");
      terminal.await("L");
      ProcessHandle wrapper = ShellTerminal.childOf(terminal.process());
      JkvmProcess.signal(whom * wrapper.pid(), "TERM");
      terminal.await("asked the guest to power off, which has 600.0 s");
      terminal.type("still here");
      terminal.await("still here");
      while (wrapper.isAlive()) {
        wrapper.destroy(); // SIGTERM, which counts again when the first is a second ago
        Thread.sleep(100);
      }
      assertEnded(terminal, 143, settings);
    }
  }

  /** It listens to its power button and does nothing about it. */
  @Test
  void theGraceOfAGuestEnds() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      startTiny(terminal, "--grace 1s");
      terminal.type("L");
      terminal.await("L");
      JkvmProcess.signal(ShellTerminal.childOf(terminal.process()).pid(), "TERM");
      terminal.await("asked the guest to power off, which has 1.0 s");
      assertEnded(terminal, 143, settings);
    }
  }

  @Test
  void anErrorRestoresTheTerminal() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run(OWN_SETTINGS + "; stty -g");
      terminal.start(tiny("--disk /nonexistent"));
      terminal.await("/nonexistent");
      assertEnded(terminal, 3, settings);
    }
  }
}
