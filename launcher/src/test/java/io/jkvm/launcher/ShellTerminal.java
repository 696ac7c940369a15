// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.pty4j.PtyProcess;
import com.pty4j.PtyProcessBuilder;
import com.pty4j.WinSize;
import com.pty4j.unix.UnixPtyProcess;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A pseudo-terminal with an interactive bash, job control on, as a person has it: what is typed
 * goes to whatever the shell has put in the foreground. Closing it hangs up, and kills what is
 * left.
 *
 * <p>Whoever waits gives up after {@link JkvmProcess#BOOT_SECONDS}, which only ends what hangs.
 */
final class ShellTerminal implements AutoCloseable {
  private static final String PROMPT = "shell$ ";

  /** So many that the shell's line editor never breaks a command. */
  private static final int COLUMNS = 1000;

  private static final int POLL_MILLISECONDS = 20;

  private final UnixPtyProcess shell;
  private final ProcessHandle process;
  private final OutputStream keyboard;

  // Guarded by this: all that came, and how much of it the test has seen.
  private final ByteArrayOutputStream screen = new ByteArrayOutputStream();
  private int seen;

  /** Starts the shell in a folder and waits for its prompt. */
  ShellTerminal(Path folder) throws Exception {
    // Whatever started the tests may have had signals ignored, and that is inherited.
    String[] command = {
      "env",
      "--default-signal=HUP,INT,QUIT,TERM,TSTP,CONT,TTIN,TTOU",
      "bash",
      "--norc",
      "--noprofile",
      "-i"
    };
    // A dumb terminal: no control sequences around the prompt.
    Map<String, String> environment =
        Map.of("PATH", System.getenv("PATH"), "TERM", "dumb", "PS1", PROMPT, "HISTFILE", "");
    PtyProcess started =
        new PtyProcessBuilder(command)
            .setEnvironment(environment)
            .setDirectory(folder.toString())
            .setInitialColumns(COLUMNS)
            .setInitialRows(50)
            .start();
    shell = (UnixPtyProcess) started;
    process = ProcessHandle.of(shell.pid()).orElseThrow();
    keyboard = shell.getOutputStream();
    Thread reader = new Thread(() -> read(shell.getInputStream()), "test-terminal");
    reader.setDaemon(true);
    reader.start();
    await(PROMPT);
  }

  private void read(InputStream from) {
    byte[] buffer = new byte[4096];
    try {
      for (int count = from.read(buffer); count >= 0; count = from.read(buffer)) {
        synchronized (this) {
          screen.write(buffer, 0, count);
          notifyAll();
        }
      }
    } catch (IOException e) {
      // The terminal was hung up.
    }
  }

  /** Types, without a return key behind it. */
  void type(String keys) throws IOException {
    keyboard.write(keys.getBytes(StandardCharsets.ISO_8859_1));
    keyboard.flush();
  }

  /** Waits for an output behind the one that was waited for last; returns all up to its end. */
  synchronized String await(String text) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(JkvmProcess.BOOT_SECONDS);
    int found = unseen().indexOf(text);
    while (found < 0) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      assertTrue(left > 0, () -> "never printed '" + text + "' behind " + seen + " of\n" + all());
      wait(left);
      found = unseen().indexOf(text);
    }
    String upTo = unseen().substring(0, found + text.length());
    seen += upTo.length();
    return upTo;
  }

  private String unseen() {
    return all().substring(seen);
  }

  /** All output so far, a character each byte. */
  synchronized String all() {
    return screen.toString(StandardCharsets.ISO_8859_1);
  }

  /** Waits for the shell's prompt; returns what was printed before. */
  String awaitPrompt() throws InterruptedException {
    String upTo = await(PROMPT);
    return upTo.substring(0, upTo.length() - PROMPT.length());
  }

  /** Has the shell start something, which takes the terminal from it; its echo is gone past. */
  void start(String command) throws Exception {
    type(command + "\r");
    await(command + "\r\n");
  }

  /** Has the shell run a command to its end, or in the background; returns what it printed. */
  String run(String command) throws Exception {
    start(command);
    return awaitPrompt().strip();
  }

  void resize(int columns, int rows) {
    shell.setWinSize(new WinSize(columns, rows));
  }

  /** The terminal goes away, as when its window is closed. */
  void hangUp() throws IOException {
    shell.getPty().close();
  }

  /** The settings as stty prints them, whoever has the terminal. */
  String settings(String how) throws Exception {
    List<String> command = List.of("stty", how, "-F", shell.getPty().getSlaveName());
    JkvmProcess.Result result = JkvmProcess.run(JkvmProcess.STOP_SECONDS, command);
    assertEquals(0, result.status(), result::toString);
    return result.out().strip();
  }

  private boolean isRaw() throws Exception {
    // A shell's own line editor leaves the keys that make signals on.
    return settings("-a").contains("-isig");
  }

  /** Waits until every key goes to the guest, Ctrl-C too. */
  void awaitRaw() throws Exception {
    awaitRaw(true);
  }

  /** Waits until it is not so. */
  void awaitCooked() throws Exception {
    awaitRaw(false);
  }

  private void awaitRaw(boolean wanted) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(JkvmProcess.STOP_SECONDS);
    while (isRaw() != wanted) {
      assertTrue(System.nanoTime() < deadline, () -> "the terminal's mode stays\n" + all());
      TimeUnit.MILLISECONDS.sleep(POLL_MILLISECONDS);
    }
  }

  ProcessHandle process() {
    return process;
  }

  /** The only process that another one has started and that still runs. */
  static ProcessHandle childOf(ProcessHandle parent) {
    List<ProcessHandle> children = parent.children().toList();
    assertEquals(1, children.size(), children::toString);
    return children.get(0);
  }

  /** Whether a process is stopped, as job control does it; false too if it has ended. */
  static boolean isStopped(ProcessHandle process) throws IOException {
    try {
      String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
      return stat.substring(stat.lastIndexOf(')') + 2).startsWith("T");
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  static void awaitEnd(ProcessHandle process) throws Exception {
    process.onExit().get(JkvmProcess.STOP_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public void close() throws IOException {
    List<ProcessHandle> all = process.descendants().toList();
    hangUp();
    all.forEach(ProcessHandle::destroyForcibly);
    shell.destroyForcibly();
  }
}
