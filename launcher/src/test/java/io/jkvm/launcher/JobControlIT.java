// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A job of an interactive shell: in the background, stopped, continued, killed. The guest is the
 * tiny one, which is there at once and echoes every key.
 */
@RequiresKvm
@Timeout(1200)
@Guests
class JobControlIT {
  private static final String CTRL_C = "\u0003";
  private static final int SIGTSTP = 20;

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

  /** The guest gets every key, Ctrl-C too. */
  private static void assertKeysReachTheGuest(ShellTerminal terminal) throws Exception {
    terminal.type("a" + CTRL_C + "b");
    terminal.await("a" + CTRL_C + "b");
  }

  private static void assertEnds(ShellTerminal terminal, String settings) throws Exception {
    terminal.type("\u0001x");
    terminal.awaitPrompt();
    assertEquals("0", terminal.run("echo $?"));
    assertEquals(settings, terminal.run("stty -g"));
  }

  /** timeout(1) makes a background process group of what it starts. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "sh -c 'timeout 600 JKVM --timeout 1s; echo status $?'",
        "JKVM --timeout 1s & wait $!; echo status $?",
      })
  void inTheBackgroundItRunsAndEnds(String command) throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      terminal.start(command.replace("JKVM", jkvm));
      terminal.await("K");
      terminal.await("status 124");
      terminal.awaitPrompt();
      assertEquals(settings, terminal.run("stty -g"));
    }
  }

  /** What timeout(1) does after its time, told to it by the signal that its timer sends. */
  @Test
  void aTimeLimitOfAnotherProgramEndsIt() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      terminal.start("sh -c 'timeout 600 " + jkvm + "; echo status $?'");
      terminal.await("K");
      ProcessHandle timeout =
          terminal
              .process()
              .descendants()
              .filter(process -> process.info().command().orElse("").endsWith("/timeout"))
              .findFirst()
              .orElseThrow();
      JkvmProcess.signal(timeout.pid(), "ALRM");
      terminal.await("status 124");
      terminal.awaitPrompt();
      assertEquals(settings, terminal.run("stty -g"));
    }
  }

  @Test
  void stoppedFromOutsideAndContinued() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      startGuest(terminal);
      ProcessHandle wrapper = wrapper(terminal);
      for (String signal : new String[] {"TSTP", "STOP"}) {
        for (long whom : new long[] {wrapper.pid(), -wrapper.pid()}) { // alone, and its group
          JkvmProcess.signal(whom, signal);
          terminal.await("Stopped");
          terminal.awaitPrompt();
          assertEquals(settings, terminal.run("stty -g"), signal);
          terminal.start("fg");
          terminal.awaitRaw();
          assertKeysReachTheGuest(terminal);
        }
      }
      assertEnds(terminal, settings);
    }
  }

  /** Whichever of the two the JVM sees first: it goes on. */
  @Test
  void stoppedAndContinuedInTheSameMoment() throws Exception {
    Path console = Files.createFile(folder.resolve("console"));
    Path keys = folder.resolve("keys");
    List<String> command = List.of("sh", "-c", "mkfifo keys; exec " + jkvm + " <>keys >console");
    Process process = new ProcessBuilder(command).directory(folder.toFile()).start();
    try {
      awaitContent(console, "K");
      for (int i = 0; i < 20; i++) {
        JkvmProcess.signal(process.pid(), "TSTP " + process.pid() + "; kill -CONT");
      }
      Files.writeString(keys, "ok");
      awaitContent(console, "Kok");
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  private static void awaitContent(Path file, String content) throws Exception {
    while (!Files.readString(file).equals(content)) {
      Thread.sleep(10);
    }
  }

  /**
   * A stop of the JVM alone, such as one that it handles late, after the job has been continued. No
   * shell would hear of it.
   */
  @Test
  void aStopThatNobodyElseKnowsOfIsUndone() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      startGuest(terminal);
      ProcessHandle jvm = ShellTerminal.childOf(wrapper(terminal));
      awaitCaught(jvm, SIGTSTP);
      // A terminal that is not raw shows ^B for one of these. It may be so for a moment, and lose
      // it.
      for (String key : new String[] {"\u0002", "\u0005", "\u0006", "\u0007", "\u0010"}) {
        JkvmProcess.signal(jvm.pid(), "TSTP");
        while (!terminal.all().contains(key)) {
          terminal.type(key);
          Thread.sleep(10);
        }
      }
      JkvmProcess.signal(wrapper(terminal).pid(), "TERM");
      terminal.awaitPrompt();
      assertEquals("143", terminal.run("echo $?"));
      assertEquals(settings, terminal.run("stty -g"));
    }
  }

  private static void awaitCaught(ProcessHandle process, int signal) throws Exception {
    Path status = Path.of("/proc/" + process.pid() + "/status");
    String caught;
    do {
      Thread.sleep(10);
      caught = Files.readString(status).replaceFirst("(?s).*\nSigCgt:\\s*(\\w+)\n.*", "$1");
    } while ((Long.parseUnsignedLong(caught, 16) >>> signal - 1 & 1) == 0);
  }

  /** bash has it go on so that it gets the signal; its guest still has its grace time. */
  @Test
  void endedWhileStoppedItStillAsksTheGuest() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      terminal.start(jkvm.replace("--quiet", "--grace 600s"));
      terminal.awaitRaw();
      terminal.type("L");
      terminal.await("L");
      JkvmProcess.signal(-wrapper(terminal).pid(), "TSTP");
      terminal.await("Stopped");
      terminal.awaitPrompt();
      terminal.start("kill %1");
      terminal.await("asked the guest to power off");
    }
  }

  @Test
  void fromTheBackgroundToTheForeground() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      String atPrompt = terminal.settings("-g");
      terminal.start(jkvm + " &");
      terminal.await("K");
      assertTheShellHasTheTerminal(terminal);
      assertEquals(atPrompt, terminal.settings("-g"));

      // The shell sends no SIGCONT here: the job was not stopped.
      terminal.start("fg");
      terminal.awaitRaw();
      assertKeysReachTheGuest(terminal);

      JkvmProcess.signal(-wrapper(terminal).pid(), "TSTP"); // the group
      terminal.await("Stopped");
      terminal.awaitPrompt();
      terminal.run("bg");
      assertTheShellHasTheTerminal(terminal);
      terminal.start("fg");
      terminal.awaitRaw();
      assertKeysReachTheGuest(terminal);
      assertEnds(terminal, settings);
    }
  }

  /** A job in the background that reads the terminal is stopped by the kernel. */
  private static void assertTheShellHasTheTerminal(ShellTerminal terminal) throws Exception {
    for (int i = 0; i < 20; i++) {
      assertEquals("" + 7 * i, terminal.run("echo $((7*" + i + "))"));
    }
    ProcessHandle wrapper = wrapper(terminal);
    assertFalse(ShellTerminal.isStopped(wrapper), terminal::all);
    assertFalse(ShellTerminal.isStopped(ShellTerminal.childOf(wrapper)), terminal::all);
  }

  @Test
  @Guests(2)
  void twoOnOneTerminal() throws Exception {
    Path out = Files.createFile(folder.resolve("first"));
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      terminal.run(jkvm + " >first &");
      while (!Files.readString(out).equals("K")) {
        Thread.sleep(10);
      }
      ProcessHandle first = wrapper(terminal);
      startGuest(terminal);
      for (char key = 'a'; key <= 'z'; key++) {
        terminal.type("" + key);
        terminal.await("" + key);
      }
      assertFalse(ShellTerminal.isStopped(ShellTerminal.childOf(first)), terminal::all);
      assertEnds(terminal, settings);

      terminal.start("fg");
      terminal.awaitRaw();
      terminal.type("a" + CTRL_C + "b");
      while (!Files.readString(out).endsWith("b")) {
        Thread.sleep(10);
      }
      assertEquals("Ka" + CTRL_C + "b", Files.readString(out));
      assertEnds(terminal, settings);
    }
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
      long jvm = ShellTerminal.childOf(wrapper(terminal)).pid();
      // Typed for the guest, and not read any more: a shell must not take it for a command line.
      JkvmProcess.signal(jvm, "STOP");
      terminal.type("echo leaked\r");
      JkvmProcess.signal(jvm, "KILL");
      terminal.awaitPrompt();
      assertEquals("137", terminal.run("echo $?"));
      assertEquals(settings, terminal.run("stty -g"));
      assertFalse(terminal.all().contains("\nleaked"), terminal.all());

      // What the shell's line editor has set while jkvm started is not what is to be put back.
      terminal.start(jkvm + " &");
      terminal.await("K");
      terminal.start("fg");
      terminal.awaitRaw();
      JkvmProcess.signal(ShellTerminal.childOf(wrapper(terminal)).pid(), "KILL");
      terminal.awaitPrompt();
      String sane = terminal.run("stty -a");
      assertTrue(sane.contains(" icanon") && sane.contains(" echo "), sane);
    }
  }

  /** A JVM of the test's own: what is typed meanwhile is for the shell. */
  @Test
  void aHighStatusLeavesWhatWasTyped() throws Exception {
    Path java = Files.createDirectories(folder.resolve("jvm/bin")).resolve("java");
    Files.writeString(
        java,
        "#!/bin/sh\necho runs\nwhile [ ! -e " + folder + "/go ]; do sleep 0.1; done\nexit 201\n");
    BadFiles.chmod(java, "rwxr-xr-x");
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      terminal.start("JAVA_HOME=" + folder.resolve("jvm") + " " + jkvm);
      terminal.await("runs");
      terminal.type("echo kept $?\r");
      Files.createFile(folder.resolve("go"));
      terminal.await("kept 201");
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
