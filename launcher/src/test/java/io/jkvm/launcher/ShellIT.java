// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code jkvm shell} on a terminal: a shell of the guest's as over ssh. */
@RequiresKvm
@Timeout(1800)
@Guests
class ShellIT {
  private static final String PROMPT = "guest# ";
  private static final String CTRL_C = "\u0003";
  private static final String CTRL_Z = "\u001a";

  @TempDir Path folder;

  private static String shell(String options) {
    return JkvmProcess.binary()
        + " shell --mem 64M --kernel "
        + ProjectFiles.guestImage("bzImage")
        + " -e PS1='"
        + PROMPT
        + "' -e TERM=dumb "
        + options
        + " -- bash --norc --noprofile -i";
  }

  private static String run(ShellTerminal terminal, String command) throws Exception {
    terminal.type(command + "\r");
    terminal.await(command + "\r\n");
    String all = terminal.await(PROMPT);
    return all.substring(0, all.length() - PROMPT.length()).strip();
  }

  /**
   * A program that is known to run, by the second copy of what is typed: a shell that is about to
   * execute it may take a key and lose it.
   */
  private static void startCat(ShellTerminal terminal) throws Exception {
    terminal.type("busybox sh -c 'echo sta\"\"rted; exec busybox cat'\r");
    terminal.await("started\r\n");
    terminal.type("copied\r");
    terminal.await("copied\r\ncopied\r\n");
  }

  /** The shell may draw its prompt again at any time until it knows the size. */
  private static void awaitSize(ShellTerminal terminal, String size) throws Exception {
    terminal.type("until [ \"$(busybox stty size)\" = '" + size + "' ]; do :; done; echo si''ze\r");
    terminal.await("size\r\n");
    terminal.await(PROMPT);
  }

  @Test
  void aShellOfTheGuestsHasTheTerminal() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      terminal.start(shell(""));
      terminal.resize(900, 41); // while the guest boots
      terminal.await(PROMPT);
      awaitSize(terminal, "41 900");
      terminal.resize(800, 33);
      awaitSize(terminal, "33 800");
      assertTrue(run(terminal, "tty").startsWith("/dev/pts/"), terminal::all);

      startCat(terminal);
      terminal.type(CTRL_C);
      terminal.await(PROMPT);
      assertEquals("130", run(terminal, "echo $?"));

      startCat(terminal);
      terminal.type(CTRL_Z);
      terminal.await("Stopped");
      terminal.await(PROMPT);
      terminal.type("fg\r");
      terminal.await("busybox cat'\r\n");
      terminal.type("again\r");
      terminal.await("again\r\nagain\r\n");
      terminal.type(CTRL_C);
      terminal.await(PROMPT);

      terminal.type("exit 7\r");
      terminal.awaitPrompt();
      assertEquals("7", terminal.run("echo $?"));
      assertEquals(settings, terminal.run("stty -g"));
    }
  }

  /** Without a terminal, as in a script; all of it but the keys is the same. */
  @Test
  void whatIsNoShellHasTheClassOfItsEnd() throws Exception {
    Path image = folder.resolve("bad.img");
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(1 << 20);
    }
    String kernel = ProjectFiles.guestImage("bzImage").toString();
    List<String> command =
        List.of(JkvmProcess.binary().toString(), "shell", "--mem", "64M", "--kernel", kernel);
    List<String> root = new ArrayList<>(command);
    root.addAll(List.of("--root", image.toString()));
    JkvmProcess.Result refused = JkvmProcess.run(JkvmProcess.BOOT_SECONDS, root);
    assertEquals(125, refused.status(), refused::toString);
    String line = "jkvm: setup, status 125: the guest can't mount /dev/vda as its root: ";
    assertTrue(refused.err().contains(line), refused::toString);
    List<String> absent = new ArrayList<>(command);
    absent.addAll(List.of("--", "nosuch"));
    JkvmProcess.Result nosuch = JkvmProcess.run(JkvmProcess.BOOT_SECONDS, absent);
    assertEquals(127, nosuch.status(), nosuch::toString);
    assertTrue(nosuch.err().startsWith("jkvm: setup, status 127: "), nosuch::toString);
  }

  @Test
  void tildeDotLeavesAndAPowerOffIsAnEnd() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      terminal.start(shell(""));
      terminal.await(PROMPT);
      terminal.type("\r~.");
      terminal.awaitPrompt();
      assertEquals(settings, terminal.run("stty -g"));
      terminal.start(shell(""));
      terminal.await(PROMPT);
      terminal.type("busybox poweroff -f\r");
      terminal.awaitPrompt();
      assertEquals("0", terminal.run("echo $?"));
    }
  }
}
