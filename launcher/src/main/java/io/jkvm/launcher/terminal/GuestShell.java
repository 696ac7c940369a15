// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import io.jkvm.machine.HostTerminal;
import io.jkvm.machine.Machine;
import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.agent.GuestTask;
import io.jkvm.machine.report.MachineException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;

/**
 * A command of a guest's on this process' standard streams, as ssh has it: with a terminal of its
 * own in the guest if there is one here, else with pipes.
 */
public final class GuestShell {
  private static final int PIECE_BYTES = 4096;
  private static final int SIGHUP = 1;

  private final Machine machine;
  private final GuestCommand command;
  private final Optional<HostTerminal> host = HostTerminal.standardInput();
  private final JobTerminal terminal = new JobTerminal(host);

  /** A command that does not run yet. */
  public GuestShell(Machine machine, GuestCommand command) {
    this.machine = machine;
    this.command = command;
  }

  /**
   * Runs it to its end.
   *
   * @throws IOException if the guest's agent is gone before
   */
  public CommandEnd run() throws IOException, InterruptedException {
    GuestCommand wanted = host.map(it -> command.terminal(it.size())).orElse(command);
    GuestTask task = machine.agent().start(wanted);
    terminal.take();
    try {
      host.ifPresent(it -> JobControl.handle("WINCH", () -> resize(task, it)));
      JobControl.start(this::suspend, terminal::continued);
      copyInThread("shell-input", () -> copyInput(task));
      Thread errors =
          copyInThread(
              "shell-error", () -> copy(task.error(), new FileOutputStream(FileDescriptor.err)));
      copy(task.output(), new FileOutputStream(FileDescriptor.out));
      errors.join();
      return task.await();
    } finally {
      terminal.giveBack();
    }
  }

  /** Puts the terminal back, for a process that is about to end. */
  public void giveTerminalBack() {
    terminal.giveBack();
  }

  private static Thread copyInThread(String name, Runnable copy) {
    Thread thread = new Thread(copy, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private static void copy(InputStream from, OutputStream to) {
    byte[] piece = new byte[PIECE_BYTES];
    try (from) {
      for (int count = from.read(piece); count >= 0; count = from.read(piece)) {
        to.write(piece, 0, count);
      }
    } catch (IOException e) {
      // One side is gone: the guest's command hears of it by SIGPIPE, we by its end.
      return;
    }
  }

  private void copyInput(GuestTask task) {
    ShellEscape escape = new ShellEscape(() -> leave(task));
    byte[] keys = new byte[PIECE_BYTES];
    byte[] kept = new byte[PIECE_BYTES + 1];
    InputStream in = new FileInputStream(FileDescriptor.in);
    try (OutputStream guest = task.input()) {
      for (int count = in.read(keys); count >= 0; count = in.read(keys)) {
        if (host.isPresent()) {
          guest.write(kept, 0, escape.unescape(keys, count, kept));
        } else {
          guest.write(keys, 0, count);
        }
      }
    } catch (IOException e) {
      // The command has ended, or our terminal is gone; a guest whose user has left ends too.
      hangUp(task);
    }
  }

  private void leave(GuestTask task) {
    hangUp(task);
    machine.stop();
  }

  private static void hangUp(GuestTask task) {
    try {
      task.signal(SIGHUP, true);
    } catch (IOException e) {
      return; // no agent, no command
    }
  }

  private static void resize(GuestTask task, HostTerminal host) {
    try {
      task.resize(host.size());
    } catch (IOException e) {
      return; // it is about to end
    }
  }

  /** SIGTSTP from outside: the guest stands still until the process is continued. */
  private void suspend() {
    boolean paused = pause();
    terminal.lend();
    HostTerminal.stopProcess();
    terminal.takeAgain();
    if (paused) {
      machine.resume();
      setTime();
    }
  }

  private boolean pause() {
    try {
      machine.pause();
      return true;
    } catch (MachineException e) {
      return false; // about to end
    }
  }

  private void setTime() {
    try {
      machine.agent().setTime();
    } catch (IOException e) {
      return; // about to end
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
