// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What is asked of the agent itself and answered with DONE: of each type in the order of the
 * questions.
 */
final class Requests {
  private static final int MAX_OPEN = 64;

  private final FrameSender sender;

  /** Held while a question takes its place and is sent, so that both have the same order. */
  private final Object order = new Object();

  // Guarded by this.
  private final Deque<Question> open = new ArrayDeque<>();
  private String failure;

  /** A question; guarded by the requests. */
  private static final class Question {
    private final int type;
    private boolean answered;
    private String refusal;
    private long error;

    Question(int type) {
      this.type = type;
    }
  }

  Requests(FrameSender sender) {
    this.sender = sender;
  }

  /**
   * Asks and waits for the answer.
   *
   * @param what for the message: what the guest was to do
   */
  void ask(int type, byte[] payload, String what) throws AgentException, InterruptedException {
    Question question = new Question(type);
    synchronized (order) {
      synchronized (this) {
        if (open.size() >= MAX_OPEN) {
          throw new AgentException("the guest's agent has not answered " + MAX_OPEN + " questions");
        }
        open.add(question);
      }
      sender.send(type, 0, payload);
    }
    synchronized (this) {
      while (!question.answered && failure == null) {
        wait();
      }
      if (!question.answered) {
        throw new AgentException(failure);
      }
      if (question.refusal != null) {
        throw new AgentException(
            "the guest can't " + what + ": " + question.refusal, question.error);
      }
    }
  }

  synchronized void done(ByteBuffer payload) throws AgentException {
    long type = Tasks.u32(payload);
    long error = Tasks.u32(payload);
    Question question = open.stream().filter(asked -> asked.type == type).findFirst().orElse(null);
    if (question == null || payload.remaining() > Frame.MAX_TEXT_BYTES) {
      throw new AgentException("the guest's agent answered what was not asked: " + type);
    }
    open.remove(question);
    question.answered = true;
    question.error = error;
    if (error != 0) {
      String text = Tasks.text(payload);
      question.refusal = text.isEmpty() ? "errno " + error : text + " (errno " + error + ")";
    }
    notifyAll();
  }

  synchronized void fail(String why) {
    failure = why;
    notifyAll();
  }
}
