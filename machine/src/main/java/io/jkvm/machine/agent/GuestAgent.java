// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The agent in a guest, as the host sees it. It is there from the beginning; {@link #awaitReady}
 * waits until the guest has come so far. One guest has one agent: if it goes, or the guest boots
 * again, everything here fails with an {@link AgentException} from then on.
 *
 * <p>All methods may be called by any thread but a device's own.
 */
public final class GuestAgent {
  private final AgentChannel channel;
  private final FrameSender sender;
  private final Tasks tasks;
  private final Requests requests;
  private final FrameReader reader = new FrameReader(this::frame);

  /** Held until the answer to the agent's hello is on its way: nothing may come before. */
  private final Object greeting = new Object();

  /** Guarded by greeting. */
  private boolean answered;

  // Guarded by this.
  private int features;
  private boolean greeted;
  private boolean refused;
  private String failure;

  /** An agent behind a channel. */
  public GuestAgent(AgentChannel channel) {
    this.channel = channel;
    sender = new FrameSender(channel);
    tasks = new Tasks(sender);
    requests = new Requests(sender);
  }

  // --- what the channel says; one thread at a time, which must not be made to wait ---

  /** Bytes from the guest, all of which are taken. */
  public void accept(ByteBuffer bytes) {
    if (isFailed()) {
      bytes.position(bytes.limit());
      return;
    }
    try {
      reader.accept(bytes);
    } catch (AgentException e) {
      bytes.position(bytes.limit());
      fail(e.getMessage());
    }
  }

  /**
   * The agent closed its end, or its machine has stopped: nothing follows. What it had sent before
   * is taken first.
   */
  public void end(String why) {
    channel.afterReceived(() -> fail(why));
  }

  /** Nothing comes from the agent any more, or is not believed. */
  public void fail(String why) {
    synchronized (this) {
      if (failure != null) {
        return;
      }
      failure = why;
      notifyAll();
    }
    sender.close(why);
    tasks.fail(why);
    requests.fail(why);
  }

  /** Whether the guest has shown itself on this channel. */
  public synchronized boolean hasSpoken() {
    return greeted;
  }

  private synchronized boolean isFailed() {
    return failure != null;
  }

  /** Why nothing comes from the agent any more; empty as long as it is there, or may come. */
  public synchronized Optional<String> failure() {
    return Optional.ofNullable(failure);
  }

  /** Waits until nothing comes from the agent any more. */
  public synchronized void awaitEnd() throws InterruptedException {
    while (failure == null) {
      wait();
    }
  }

  private void frame(int type, int stream, int task, ByteBuffer payload) throws AgentException {
    if (type == Frame.AGENT_HELLO) {
      hello(payload);
      return;
    }
    if (!hasSpoken()) {
      throw new AgentException("the guest's agent did not say hello first");
    }
    switch (type) {
      case Frame.AGENT_STARTED,
          Frame.AGENT_DATA,
          Frame.AGENT_EOF,
          Frame.AGENT_CREDIT,
          Frame.AGENT_ENDED ->
          tasks.frame(type, stream, task, payload);
      case Frame.AGENT_DONE -> requests.done(payload);
      case Frame.AGENT_PONG, Frame.AGENT_LOG -> {} // nothing here asks, and nobody listens
      default -> throw new AgentException("the guest's agent sent a frame of type " + type);
    }
  }

  private synchronized void hello(ByteBuffer payload) throws AgentException {
    if (greeted) {
      throw new AgentException("the guest's agent said hello a second time: it was started again");
    }
    refused = true;
    if (payload.remaining() < Long.BYTES + Integer.BYTES || payload.getLong() != Frame.MAGIC) {
      throw new AgentException("what speaks on the agent's channel is not jkvm's agent");
    }
    long version = Integer.toUnsignedLong(payload.getInt());
    if (version != Frame.VERSION) {
      throw new AgentException(
          "the guest's agent speaks version "
              + version
              + " of the protocol, this jkvm version "
              + Frame.VERSION);
    }
    features = payload.remaining() < Integer.BYTES ? 0 : payload.getInt();
    greeted = true;
    refused = false;
    notifyAll();
  }

  /** Whether what came first is of no agent, or of one of another version. */
  public synchronized boolean isRefused() {
    return refused;
  }

  // --- what the user asks ---

  /**
   * Waits until the agent is there, without a limit of its own: how long a guest needs to boot is
   * for its user to say.
   */
  public void awaitReady() throws AgentException, InterruptedException {
    awaitReady(Optional.empty());
  }

  /**
   * Waits for the agent.
   *
   * @param timeout how long at most
   * @return false if it is not there by then
   */
  public boolean awaitReady(Duration timeout) throws AgentException, InterruptedException {
    return awaitReady(Optional.of(timeout));
  }

  private boolean awaitReady(Optional<Duration> timeout)
      throws AgentException, InterruptedException {
    long start = System.nanoTime();
    synchronized (this) {
      while (!greeted && failure == null) {
        if (timeout.isEmpty()) {
          wait();
          continue;
        }
        long left = timeout.get().toNanos() - (System.nanoTime() - start);
        if (left <= 0) {
          return false;
        }
        TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, 1_000_000));
      }
      if (failure != null) {
        throw new AgentException(failure);
      }
    }
    synchronized (greeting) {
      if (!answered) {
        sender.send(Frame.HELLO, 0, helloPayload());
        answered = true;
      }
    }
    return true;
  }

  private static byte[] helloPayload() {
    return ByteBuffer.allocate(Integer.BYTES + Long.BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(Frame.VERSION)
        .putLong(nanoseconds(Instant.now()))
        .array();
  }

  private static long nanoseconds(Instant time) {
    return Math.addExact(Math.multiplyExact(time.getEpochSecond(), 1_000_000_000L), time.getNano());
  }

  /**
   * Starts a command; waits for the agent first.
   *
   * @throws AgentException if the agent is gone, or the command is longer than 4 MiB
   */
  public GuestTask start(GuestCommand command) throws AgentException, InterruptedException {
    awaitReady();
    return tasks.start(command);
  }

  /**
   * Runs a command without input to its end.
   *
   * @throws IOException if the agent is gone, or the command writes more than 64 MiB; it is killed
   *     then
   */
  public CommandResult run(GuestCommand command) throws IOException, InterruptedException {
    return new WholeRun(start(command.withoutInput())).result();
  }

  /** Copies a file of the guest's; its content is the task's output. */
  public GuestTask read(String path) throws AgentException, InterruptedException {
    awaitReady();
    return tasks.startFile(Frame.READ, new byte[0], path.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Makes a file in the guest, whose content is the task's input. It takes its name when the input
   * is closed and all of it is there.
   *
   * @param mode permission bits
   */
  public GuestTask write(String path, int mode) throws AgentException, InterruptedException {
    awaitReady();
    byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
    return tasks.startFile(Frame.WRITE, FrameSender.u32(mode & 07777), bytes);
  }

  /** Sets the guest's wall clock to the host's. */
  public void setTime() throws AgentException, InterruptedException {
    byte[] time =
        ByteBuffer.allocate(Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(nanoseconds(Instant.now()))
            .array();
    ask(Frame.TIME, time, "set its clock");
  }

  /** Writes out what the guest has in memory of its file systems. */
  public void sync() throws AgentException, InterruptedException {
    ask(Frame.SYNC, new byte[0], "sync");
  }

  /**
   * Makes a device the guest's root.
   *
   * @param overlay whether it is mounted read-only, below a file system in memory
   */
  public void mountRoot(GuestMounts.Mount root, boolean overlay)
      throws AgentException, InterruptedException {
    String what = "mount " + root.device() + " as its root";
    ask(Frame.ROOT, mountPayload(overlay ? 1 : 0, root), what);
  }

  /** Mounts a device in the guest's root. */
  public void mount(GuestMounts.Mount mount) throws AgentException, InterruptedException {
    String what = "mount " + mount.device() + " at " + mount.directory();
    awaitReady();
    synchronized (this) {
      if ((features & Frame.FEATURE_MOUNT) == 0) {
        throw new AgentException(
            "the guest can't "
                + what
                + ": its agent is older than this jkvm, and its image needs the new one");
      }
    }
    ask(Frame.MOUNT, mountPayload(0, mount), what);
  }

  private static byte[] mountPayload(int flags, GuestMounts.Mount mount) {
    String strings =
        String.join("\0", mount.device(), mount.types(), mount.options(), mount.directory(), "");
    byte[] bytes = strings.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Integer.BYTES + bytes.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(flags)
        .put(bytes)
        .array();
  }

  private void ask(int type, byte[] payload, String what)
      throws AgentException, InterruptedException {
    awaitReady();
    requests.ask(type, payload, what);
  }

  /** Asks for a power-off; the machine stops when the guest has come so far. */
  public void powerOff() throws AgentException, InterruptedException {
    awaitReady();
    sender.send(Frame.POWER, 0, FrameSender.u32(0));
  }

  /** The commands and copies that are under way. */
  public List<GuestTask> tasks() {
    return tasks.all();
  }
}
