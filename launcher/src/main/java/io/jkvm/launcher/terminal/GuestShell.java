// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import io.jkvm.machine.HostTerminal;
import io.jkvm.machine.Machine;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.agent.AgentException;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.agent.GuestTask;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.testing.TestRun;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A run's command on this process' terminal, as ssh has it: with a terminal of its own in the
 * guest, every key but those of {@link ShellEscape} goes there.
 */
public final class GuestShell implements TestRun.Starter {
  private static final int PIECE_BYTES = 4096;
  private static final int SIGHUP = 1;
  private static final int MAX_PIECES = 1024;
  private static final byte[] END = new byte[0];

  private final HostTerminal host;
  private final JobTerminal terminal;
  private final GuestCommand command;
  private volatile boolean left;

  /** A command that does not run yet. */
  public GuestShell(HostTerminal host, GuestCommand command) {
    this.host = host;
    this.command = command;
    terminal = new JobTerminal(Optional.of(host));
  }

  @Override
  public GuestTask start(Machine machine) throws AgentException, InterruptedException {
    GuestTask task = machine.agent().start(command.terminal(host.size()));
    JobControl.handle("WINCH", () -> resize(task));
    resize(task);
    terminal.take();
    new JobControl(new Job(machine)).start();
    BlockingQueue<byte[]> typed = new LinkedBlockingQueue<>(MAX_PIECES);
    inThread("shell-keys", () -> readKeys(machine, typed));
    inThread("shell-input", () -> send(typed, task));
    return task;
  }

  /** Whether its user has left it, in place of ending it. */
  public boolean hasBeenLeft() {
    return left;
  }

  /** Puts the terminal back, for messages, or for a process that is about to end. */
  public void giveTerminalBack() {
    terminal.giveBack();
  }

  private static void inThread(String name, Runnable body) {
    Thread thread = new Thread(body, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Reads on, for "~.", also while the guest takes nothing: what is typed then is dropped. */
  private void readKeys(Machine machine, BlockingQueue<byte[]> typed) {
    ShellEscape escape = new ShellEscape(() -> leave(machine));
    byte[] keys = new byte[PIECE_BYTES];
    byte[] kept = new byte[2 * PIECE_BYTES];
    InputStream in = new FileInputStream(FileDescriptor.in);
    try {
      for (int count = in.read(keys); count >= 0; count = in.read(keys)) {
        typed.offer(Arrays.copyOf(kept, escape.unescape(keys, count, kept)));
      }
      typed.put(END);
    } catch (IOException e) {
      machine.stop(new StopReason(StopReason.Kind.HOST_SIGNAL, "the terminal is gone"));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void leave(Machine machine) {
    left = true;
    machine.stop();
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

  private void resize(GuestTask task) {
    try {
      task.resize(host.size());
    } catch (IOException e) {
      return; // it is about to end
    }
  }

  private static boolean pause(Machine machine) {
    try {
      machine.pause();
      return true;
    } catch (MachineException e) {
      return false; // about to end
    }
  }

  private static void setTime(Machine machine) {
    try {
      machine.agent().setTime();
    } catch (IOException e) {
      return; // about to end
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The guest, and its time, and the terminal. */
  private final class Job implements JobControl.Job {
    private final Machine machine;
    private boolean paused;

    Job(Machine machine) {
      this.machine = machine;
    }

    @Override
    public void pause() {
      paused = GuestShell.pause(machine);
      terminal.lend();
    }

    @Override
    public void resume() {
      terminal.takeAgain();
      if (paused) {
        machine.resume();
        setTime(machine);
      }
    }

    @Override
    public void continued() {
      terminal.continued();
    }
  }
}
