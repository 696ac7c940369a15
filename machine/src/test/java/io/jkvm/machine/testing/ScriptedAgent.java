// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.AgentChannel;
import io.jkvm.machine.agent.AgentException;
import io.jkvm.machine.agent.GuestAgent;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.agent.GuestTask;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** The guest's half of the agent's channel: it takes whatever comes and says what a test wants. */
final class ScriptedAgent implements AgentChannel {
  private static final int HELLO = 65;
  private static final int DATA = 67;
  private static final int ENDED = 70;
  private static final int DONE = 71;

  private static final int MOUNTS = 1;

  private static final int INPUT = 4;
  private static final int END_OF_INPUT = 5;
  private static final int CLOSE = 7;

  private final GuestAgent agent = new GuestAgent(this);

  // Guarded by this.
  private final List<Integer> received = new ArrayList<>();
  private boolean holding;
  private final List<Runnable> afterwards = new ArrayList<>();

  GuestAgent agent() {
    return agent;
  }

  void hello() {
    hello(MOUNTS);
  }

  /** The same with other features. */
  void hello(int features) {
    send(HELLO, 0, 0, numbers(32).put(RunFacts.utf8("jkvm-agt")).putInt(1).putInt(features));
  }

  /** Starts a command, which is the first of this agent's. */
  GuestTask start() throws AgentException, InterruptedException {
    hello();
    return agent.start(GuestCommand.of("command"));
  }

  /** The first command writes. */
  void prints(int stream, byte[] bytes) {
    send(DATA, stream, 1, ByteBuffer.wrap(bytes));
  }

  /** The first command exits. */
  void exits(int status) {
    send(ENDED, 0, 1, numbers(12).putInt(0).putInt(status).putInt(0));
  }

  /** The first command is not there. */
  void couldNotRun(String why) {
    byte[] text = RunFacts.utf8(why);
    send(ENDED, 0, 1, numbers(12 + text.length).putInt(2).putInt(2).putInt(0).put(text));
  }

  /** A question of this type is answered. */
  void answers(int type, int errno, String why) {
    byte[] text = RunFacts.utf8(why);
    send(DONE, 0, 0, numbers(8 + text.length).putInt(type).putInt(errno).put(text));
  }

  private static ByteBuffer numbers(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void send(int type, int stream, int task, ByteBuffer payload) {
    byte[] bytes = payload.array();
    ByteBuffer frame = numbers(8 + bytes.length).putInt(bytes.length);
    frame.put((byte) type).put((byte) stream).putShort((short) task).put(bytes);
    agent.accept(frame.flip());
  }

  /** Until the host's reader of a stream has left. */
  void awaitClose(int stream) throws InterruptedException {
    await(CLOSE << 8 | stream);
  }

  /** Until the first command has been given all of its input. */
  void awaitEndOfInput() throws InterruptedException {
    await(END_OF_INPUT << 8);
  }

  /** Until the host has sent a frame of this type, which has no stream. */
  void awaitFrame(int type) throws InterruptedException {
    await(type << 8);
  }

  private synchronized void await(int frame) throws InterruptedException {
    while (!received.contains(frame)) {
      wait();
    }
  }

  /** From now on what the guest says is on its way until {@link #deliver}. */
  synchronized void holdBack() {
    holding = true;
  }

  /** What was said has come. */
  void deliver() {
    List<Runnable> actions;
    synchronized (this) {
      holding = false;
      actions = List.copyOf(afterwards);
    }
    actions.forEach(Runnable::run);
  }

  @Override
  public void afterReceived(Runnable action) {
    synchronized (this) {
      if (holding) {
        afterwards.add(action);
        return;
      }
    }
    action.run();
  }

  /** Frames come whole, since there is always room. */
  @Override
  public synchronized int offer(ByteBuffer bytes) {
    received.add(bytes.get(4) << 8 | bytes.get(5));
    notifyAll();
    int count = bytes.remaining();
    bytes.position(bytes.limit());
    return count;
  }

  @Override
  public void awaitRoom(int timeoutMilliseconds) {
    throw new AssertionError("there is always room");
  }
}
