// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import java.nio.ByteBuffer;

/** Gives the guest's bytes back through a buffer, by a thread of its own. */
final class EchoPeer implements VsockPeer, VsockHost {
  private final ByteBuffer held;
  private volatile VsockConnection connection;
  private boolean over;

  EchoPeer(int bytes) {
    held = ByteBuffer.allocate(bytes).limit(0);
  }

  @Override
  public VsockPeer accept(VsockConnection wish) {
    connection = wish;
    VsockFixture.start(
        () -> {
          echo();
          return null;
        });
    return this;
  }

  @Override
  public synchronized void accept(ByteBuffer bytes) {
    held.compact();
    while (bytes.hasRemaining() && held.hasRemaining()) {
      held.put(bytes.get());
    }
    held.flip();
    notifyAll();
  }

  @Override
  public synchronized void closed(VsockEnd why) {
    over = true;
    notifyAll();
  }

  private void echo() throws InterruptedException {
    while (true) {
      int taken;
      synchronized (this) {
        while (!held.hasRemaining() && !over) {
          wait();
        }
        if (over) {
          return;
        }
        taken = connection.offer(held);
      }
      if (taken > 0) {
        connection.roomInHost();
      } else {
        connection.awaitRoom(3_600_000); // a wake-up that is lost must not pass
      }
    }
  }
}
