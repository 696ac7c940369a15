// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A command that runs in the guest, or a file that is copied. Its output must be read: what nobody
 * reads holds the command back. All methods may be called by any thread.
 */
public final class GuestTask {
  private final FrameSender sender;
  private final int number;
  private final StreamWindow output;
  private final StreamWindow error;
  private final TaskInput input;
  private final CompletableFuture<CommandEnd> end = new CompletableFuture<>();
  private final CompletableFuture<Long> processId = new CompletableFuture<>();

  GuestTask(FrameSender sender, int number) {
    this.sender = sender;
    this.number = number;
    output = new StreamWindow(new Grants(Frame.STDOUT));
    error = new StreamWindow(new Grants(Frame.STDERR));
    input = new TaskInput(sender, number);
  }

  /** What the command writes to its standard output, or the terminal's output. */
  public InputStream output() {
    return output;
  }

  /** What the command writes to its standard error; at its end at once if that is no pipe. */
  public InputStream error() {
    return error;
  }

  /** The command's standard input; to be closed where it ends. */
  public OutputStream input() {
    return input;
  }

  /** The process in the guest, once it is there; as the guest says. */
  public Optional<Long> processId() {
    return Optional.ofNullable(processId.getNow(null));
  }

  /** How it ended, if it has. */
  public Optional<CommandEnd> end() {
    return end.isCompletedExceptionally()
        ? Optional.empty()
        : Optional.ofNullable(end.getNow(null));
  }

  /** Why it never will end: the agent is gone. */
  public Optional<String> failure() {
    if (!end.isCompletedExceptionally()) {
      return Optional.empty();
    }
    return Optional.of(end.handle((ignored, e) -> e.getMessage()).join());
  }

  /**
   * Waits for its end. All its output is there then, to be read.
   *
   * @throws AgentException if the agent is gone before
   */
  public CommandEnd await() throws AgentException, InterruptedException {
    try {
      return end.get();
    } catch (ExecutionException e) {
      throw new AgentException(e.getCause().getMessage());
    }
  }

  /** Waits for its end for a limited time; empty if it has not ended then. */
  public Optional<CommandEnd> await(long timeout, TimeUnit unit)
      throws AgentException, InterruptedException {
    try {
      return Optional.of(end.get(timeout, unit));
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (ExecutionException e) {
      throw new AgentException(e.getCause().getMessage());
    }
  }

  /** Runs something when it has ended or the agent is gone; on the thread that finds out. */
  public void onEnd(Runnable action) {
    end.whenComplete((ignored, alsoIgnored) -> action.run());
  }

  /**
   * Sends a signal to the command, or to all that it started.
   *
   * @param signal 1 to 64
   */
  public void signal(int signal, boolean all) throws IOException {
    if (signal < 1 || signal > 64) {
      throw new IllegalArgumentException("signal " + signal);
    }
    sendIfRunning(Frame.SIGNAL, FrameSender.u32(signal, all ? 1 : 0));
  }

  /** Changes the size of its terminal. */
  public void resize(GuestCommand.Size size) throws IOException {
    sendIfRunning(Frame.RESIZE, FrameSender.u32(size.columns() << 16 | size.rows()));
  }

  private void sendIfRunning(int type, byte[] payload) throws IOException {
    if (!end.isDone()) {
      sender.send(type, number, payload);
    }
  }

  StreamWindow window(int stream) {
    return stream == Frame.STDOUT ? output : error;
  }

  TaskInput taskInput() {
    return input;
  }

  void started(long pid) {
    processId.complete(pid);
  }

  void ended(CommandEnd how) {
    output.end();
    error.end();
    input.end();
    end.complete(how);
  }

  void failed(String why) {
    output.fail(why);
    error.fail(why);
    input.end();
    end.completeExceptionally(new AgentException(why));
  }

  /** What a stream has to tell the agent. */
  private final class Grants implements StreamWindow.Grants {
    private final int stream;

    Grants(int stream) {
      this.stream = stream;
    }

    @Override
    public void grant(int bytes) throws IOException {
      try {
        sender.send(Frame.CREDIT, stream, number, FrameSender.u32(bytes), 0, Integer.BYTES);
      } catch (AgentException e) {
        // Whoever reads on finds out, after what is still there.
      }
    }

    @Override
    public void closed() throws IOException {
      sender.send(Frame.CLOSE, stream, number, new byte[0], 0, 0);
    }
  }
}
