// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.InboundQueue;
import io.jkvm.devices.virtio.queue.QueueService;
import java.util.concurrent.TimeUnit;

/**
 * Serves the receive queue for one activation: packets go into it by whatever thread has them, and
 * where there are no buffers, a thread of this waits for some. It also ends connections that the
 * guest should have ended.
 */
final class Courier implements QueueService {
  private final PacketSender sender;
  private final ConnectionTable table;
  private final InboundQueue queue;
  private final long closeMilliseconds;
  private final WorkerThread thread;

  /** Guarded by the queue's monitor. */
  private boolean stopped;

  /**
   * A service that is not started.
   *
   * @param closeMilliseconds how long a guest may take to agree to the end of a connection
   */
  Courier(ActiveQueue rings, PacketSender sender, ConnectionTable table, long closeMilliseconds) {
    this.sender = sender;
    this.table = table;
    this.closeMilliseconds = closeMilliseconds;
    queue = sender.queue();
    thread = new WorkerThread(rings.name(), this::run);
    sender.serve(rings);
  }

  @Override
  public void start() {
    queue.start();
    thread.start();
  }

  @Override
  public void requestPause() {
    queue.requestPause();
  }

  @Override
  public boolean awaitPaused(long milliseconds) {
    return queue.awaitPaused(milliseconds);
  }

  @Override
  public void resume() {
    queue.resume();
  }

  @Override
  public void requestStop() {
    synchronized (queue) {
      stopped = true;
      queue.requestStop();
    }
  }

  @Override
  public boolean awaitStopped(long milliseconds) {
    // Without the thread nobody waits in the queue.
    return thread.join(milliseconds) && queue.awaitStopped(0);
  }

  private void run() {
    int timeout = (int) Math.min(Integer.MAX_VALUE, closeMilliseconds);
    while (true) {
      VsockConnection late;
      synchronized (queue) {
        if (stopped) {
          return;
        }
        sender.flush();
        late = table.hasClosing() ? late() : null;
        if (late != null) {
          late.breakOff(VsockEnd.CLOSED_BY_HOST);
          sender.flush();
        } else if (!sender.needsRoom()) {
          sender.rest(table.hasClosing() ? timeout : 0);
          continue;
        }
      }
      if (late != null) {
        late.delivery().deliver();
        continue;
      }
      // A time limit that begins meanwhile is seen in time, or a little later.
      queue.awaitRoom(timeout);
      synchronized (queue) {
        sender.roomSeen();
      }
    }
  }

  private VsockConnection late() {
    long nanoseconds = TimeUnit.MILLISECONDS.toNanos(closeMilliseconds);
    for (VsockConnection connection : table.all()) {
      if (connection.closingSince(nanoseconds)) {
        return connection;
      }
    }
    return null;
  }
}
