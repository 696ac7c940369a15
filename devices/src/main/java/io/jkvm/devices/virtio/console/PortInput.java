// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.InboundQueue;
import io.jkvm.devices.virtio.queue.QueueService;
import java.nio.ByteBuffer;

/** A port's receive queue: bytes for the guest, which come on threads of the host. */
final class PortInput {
  /** Its monitor guards all that follows. */
  private final InboundQueue queue = new InboundQueue();

  private DescriptorChain chain;
  private boolean open;

  QueueService serve(ActiveQueue rings) {
    synchronized (queue) {
      chain = rings.rings().newChain();
      return queue.serve(rings);
    }
  }

  /**
   * The guest's end. While it is closed nothing is taken: Linux throws bytes away that come for a
   * stream which no program has open.
   *
   * @return false if that is nothing new
   */
  boolean guestOpen(boolean nowOpen) {
    synchronized (queue) {
      boolean changed = open != nowOpen;
      open = nowOpen;
      queue.notifyAll();
      return changed;
    }
  }

  boolean guestOpen() {
    synchronized (queue) {
      return open;
    }
  }

  /** As {@link ConsolePort#offer}. */
  int offer(ByteBuffer bytes) {
    int before = bytes.position();
    synchronized (queue) {
      if (!open || !queue.usable() || queue.paused()) {
        return 0;
      }
      try {
        while (bytes.hasRemaining() && queue.next(chain)) {
          int part = (int) Math.min(bytes.remaining(), chain.writableBytes());
          chain.write(0, bytes, bytes.position(), part);
          queue.stage(chain, part);
          queue.publish();
          bytes.position(bytes.position() + part);
        }
        queue.announce();
      } catch (GuestFault e) {
        queue.fail(e.getMessage());
      }
    }
    return bytes.position() - before;
  }

  /** As {@link ConsolePort#awaitRoom}. */
  void awaitRoom(int timeoutMilliseconds) {
    synchronized (queue) {
      if (!open) {
        try {
          if (timeoutMilliseconds > 0) {
            queue.wait(timeoutMilliseconds);
          }
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
        return;
      }
    }
    queue.awaitRoom(timeoutMilliseconds);
  }
}
