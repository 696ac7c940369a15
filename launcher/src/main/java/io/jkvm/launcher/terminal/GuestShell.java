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
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A command of a guest's on this process' standard streams, as ssh has it: with a terminal of its
 * own in the guest if there is one here, else with pipes.
 */
public final class GuestShell {
  private static final int PIECE_BYTES = 4096;
  private static final int SIGHUP = 1;
  private static final int MAX_PIECES = 1024;
  private static final byte[] END = new byte[0];

  private final Machine machine;
  private final GuestCommand command;
  private final Optional<HostTerminal> host = HostTerminal.forGuestTerminal();
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
    machine.agent().awaitReady(); // the terminal may get another size meanwhile
    GuestTask task =
        machine.agent().start(host.map(it -> command.terminal(it.size())).orElse(command));
    host.ifPresent(it -> JobControl.handle("WINCH", () -> resize(task, it)));
    host.ifPresent(it -> resize(task, it));
    terminal.take();
    try {
      JobControl.start(this::suspend, terminal::continued);
      BlockingQueue<byte[]> typed = new LinkedBlockingQueue<>(MAX_PIECES);
      inThread("shell-keys", () -> readKeys(typed));
      inThread("shell-input", () -> send(typed, task));
      Thread errors =
          inThread(
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

  private static Thread inThread(String name, Runnable body) {
    Thread thread = new Thread(body, name);
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

  /** Reads on, for "~.", also while the guest takes nothing: what is typed then is dropped. */
  private void readKeys(BlockingQueue<byte[]> typed) {
    ShellEscape escape = new ShellEscape(machine::stop);
    byte[] keys = new byte[PIECE_BYTES];
    byte[] kept = new byte[2 * PIECE_BYTES];
    InputStream in = new FileInputStream(FileDescriptor.in);
    try {
      for (int count = in.read(keys); count >= 0; count = in.read(keys)) {
        if (host.isPresent()) {
          typed.offer(Arrays.copyOf(kept, escape.unescape(keys, count, kept)));
        } else {
          typed.put(Arrays.copyOf(keys, count)); // a pipe is held back
        }
      }
      typed.put(END);
    } catch (IOException e) {
      machine.stop(); // the terminal is gone, and its user
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void send(BlockingQueue<byte[]> typed, GuestTask task) {
    try (OutputStream guest = task.input()) {
      for (byte[] keys = typed.take(); keys != END; keys = typed.take()) {
        guest.write(keys);
      }
    } catch (IOException e) {
      hangUp(task); // it reads no more
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
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
