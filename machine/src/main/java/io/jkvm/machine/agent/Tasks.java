// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import io.jkvm.machine.agent.CommandEnd.How;
import io.jkvm.machine.results.PrintableText;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The tasks of an agent by their numbers, and the frames about them. */
final class Tasks {
  private static final int MAX_STATUS = 255;
  private static final int MAX_SIGNAL = 64;
  private static final int TAINT_SHIFT = 8;

  private final FrameSender sender;

  // Guarded by this.
  private final Map<Integer, GuestTask> running = new HashMap<>();
  private int lastNumber;
  private String failure;

  Tasks(FrameSender sender) {
    this.sender = sender;
  }

  GuestTask start(GuestCommand command) throws AgentException {
    byte[] strings = joined(command.strings());
    GuestCommand.Size size = command.terminalSize().orElse(new GuestCommand.Size(0, 0));
    byte[] request =
        FrameSender.u32(
            command.flags(),
            (long) size.columns() << 16 | size.rows(),
            command.arguments().size(),
            command.environmentStrings().size(),
            strings.length);
    GuestTask task = start(Frame.EXEC, request, strings, command.hasInput());
    if (command.hasOneOutput()) {
      task.window(Frame.STDERR).end();
    }
    return task;
  }

  GuestTask startFile(int type, byte[] request, byte[] path) throws AgentException {
    byte[] strings = joined(List.of(path));
    byte[] length = FrameSender.u32(strings.length);
    byte[] whole = new byte[request.length + length.length];
    System.arraycopy(request, 0, whole, 0, request.length);
    System.arraycopy(length, 0, whole, request.length, length.length);
    return start(type, whole, strings, type == Frame.WRITE);
  }

  private static byte[] joined(List<byte[]> strings) throws AgentException {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    for (byte[] string : strings) {
      joined.writeBytes(string);
      joined.write(0);
    }
    if (joined.size() > Frame.MAX_STRINGS_BYTES) {
      throw new AgentException(
          "the arguments and the environment have "
              + joined.size()
              + " bytes, the guest's agent takes "
              + Frame.MAX_STRINGS_BYTES);
    }
    return joined.toByteArray();
  }

  private GuestTask start(int type, byte[] request, byte[] strings, boolean hasInput)
      throws AgentException {
    GuestTask task;
    int number;
    synchronized (this) {
      number = freeNumber();
      task = new GuestTask(sender, number);
      if (!hasInput) {
        task.taskInput().closedFromTheBeginning();
      }
      running.put(number, task);
    }
    try {
      sender.send(type, number, request);
      for (int from = 0; from < strings.length; from += Frame.MAX_PAYLOAD_BYTES) {
        int length = Math.min(strings.length - from, Frame.MAX_PAYLOAD_BYTES);
        sender.send(Frame.STRINGS, 0, number, strings, from, length);
      }
    } catch (AgentException e) {
      task.failed(e.getMessage());
      throw e;
    }
    return task;
  }

  /** In turn, so that what is late for an old task does not meet a new one. */
  private int freeNumber() throws AgentException {
    if (failure != null) {
      throw new AgentException(failure);
    }
    if (running.size() >= Frame.MAX_TASKS) {
      throw new AgentException("the guest's agent has " + Frame.MAX_TASKS + " tasks already");
    }
    do {
      lastNumber = lastNumber % Frame.MAX_TASK + 1;
    } while (running.containsKey(lastNumber));
    return lastNumber;
  }

  void frame(int type, int stream, int number, ByteBuffer payload) throws AgentException {
    GuestTask task;
    synchronized (this) {
      task = type == Frame.AGENT_ENDED ? running.remove(number) : running.get(number);
    }
    if (task == null) {
      throw new AgentException("the guest's agent spoke of task " + number + ", which is not");
    }
    switch (type) {
      case Frame.AGENT_STARTED -> task.started(u32(payload));
      case Frame.AGENT_DATA, Frame.AGENT_EOF -> output(type, stream, task, payload);
      case Frame.AGENT_CREDIT -> {
        if (!task.taskInput().grant(u32(payload))) {
          throw new AgentException("the guest's agent grants more input than 2 GiB");
        }
      }
      default -> {
        try {
          task.ended(end(payload));
        } catch (AgentException e) {
          task.failed(e.getMessage());
          throw e;
        }
      }
    }
  }

  private static void output(int type, int stream, GuestTask task, ByteBuffer payload)
      throws AgentException {
    if (stream != Frame.STDOUT && stream != Frame.STDERR) {
      throw new AgentException("the guest's agent sent output of stream " + stream);
    }
    if (type == Frame.AGENT_EOF) {
      task.window(stream).end();
    } else if (!task.window(stream).put(payload)) {
      throw new AgentException("the guest's agent sent more output than it may");
    }
  }

  private static CommandEnd end(ByteBuffer payload) throws AgentException {
    long how = u32(payload);
    long value = u32(payload);
    long flags = u32(payload);
    boolean possible =
        how < How.values().length
            && value <= (how == 1 ? MAX_SIGNAL : how == 0 ? MAX_STATUS : Short.MAX_VALUE)
            && !(how == 1 && value == 0)
            && payload.remaining() <= Frame.MAX_TEXT_BYTES;
    if (!possible) {
      throw new AgentException("the guest's agent told an end that can't be: " + how + "/" + value);
    }
    return new CommandEnd(
        How.values()[(int) how],
        (int) value,
        (flags & 1) != 0,
        (flags & 2) != 0,
        (int) (flags >> TAINT_SHIFT),
        text(payload));
  }

  /** What the guest says to a person: one line, without what a terminal would take for commands. */
  static String text(ByteBuffer payload) {
    String text = StandardCharsets.UTF_8.decode(payload).toString();
    return PrintableText.forLine(text, Frame.MAX_TEXT_BYTES);
  }

  static long u32(ByteBuffer payload) throws AgentException {
    if (payload.order(ByteOrder.LITTLE_ENDIAN).remaining() < Integer.BYTES) {
      throw new AgentException("the guest's agent sent a frame that is too short");
    }
    return Integer.toUnsignedLong(payload.getInt());
  }

  synchronized List<GuestTask> all() {
    return List.copyOf(running.values());
  }

  void fail(String why) {
    List<GuestTask> left;
    synchronized (this) {
      failure = why;
      left = List.copyOf(running.values());
      running.clear();
    }
    left.forEach(task -> task.failed(why));
  }
}
