// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** Collects all that a command writes, up to a limit. */
final class WholeRun {
  private static final int MAX_BYTES = 64 << 20;
  private static final int PIECE_BYTES = 64 << 10;
  private static final int SIGKILL = 9;

  private final GuestTask task;

  WholeRun(GuestTask task) {
    this.task = task;
  }

  CommandResult result() throws IOException, InterruptedException {
    ByteArrayOutputStream error = new ByteArrayOutputStream();
    IOException[] failure = new IOException[1];
    Thread errors =
        new Thread(
            () -> {
              try {
                collect(task.error(), error);
              } catch (IOException e) {
                failure[0] = e;
              }
            },
            "agent/stderr");
    errors.setDaemon(true);
    errors.start();
    boolean whole = false;
    try {
      ByteArrayOutputStream output = new ByteArrayOutputStream();
      collect(task.output(), output);
      errors.join();
      if (failure[0] != null) {
        throw failure[0];
      }
      CommandEnd end = task.await();
      whole = true;
      return new CommandResult(end, output.toByteArray(), error.toByteArray());
    } finally {
      if (!whole) {
        abandon();
      }
    }
  }

  private static void collect(InputStream from, ByteArrayOutputStream to) throws IOException {
    byte[] piece = new byte[PIECE_BYTES];
    for (int count = from.read(piece); count >= 0; count = from.read(piece)) {
      if (to.size() + count > MAX_BYTES) {
        throw new IOException("the guest's command writes more than " + MAX_BYTES + " bytes");
      }
      to.write(piece, 0, count);
    }
  }

  private void abandon() {
    try {
      task.signal(SIGKILL, true);
      task.output().close();
      task.error().close();
    } catch (IOException e) {
      return; // the agent is gone, and the command with it
    }
  }
}
