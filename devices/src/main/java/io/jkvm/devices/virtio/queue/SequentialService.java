// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.VirtioDevice;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * The thread of one active queue: waits for the driver's notification, serves what is there, tells
 * the driver. Lives from DRIVER_OK to the next reset.
 */
public final class SequentialService {
  /** How many answers may wait for one interrupt while more requests keep coming. */
  private static final int MAX_UNANNOUNCED = 16;

  private final VirtioDevice device;
  private final int index;
  private final ActiveQueue shared;
  private final Virtqueue queue;
  private final DescriptorChain request;
  private final Thread thread;
  private volatile boolean stopping;

  public SequentialService(VirtioDevice device, int index, ActiveQueue shared) {
    this.device = device;
    this.index = index;
    this.shared = shared;
    queue = shared.rings();
    request = queue.newChain();
    thread = new Thread(this::run, device.name() + " queue " + index);
    thread.setDaemon(true);
  }

  public void start() {
    thread.start();
  }

  /** Makes the thread end after the request it is serving. */
  public void requestStop() {
    stopping = true;
    shared.wake();
  }

  /**
   * Waits for the thread's end.
   *
   * @return false if it still runs after the time
   */
  public boolean join(long milliseconds) {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Math.max(1, milliseconds));
    boolean interrupted = false;
    long left = deadline - System.nanoTime();
    while (thread.isAlive() && left > 0) {
      try {
        thread.join(left / 1_000_000 + 1);
      } catch (InterruptedException e) {
        interrupted = true; // remembered, but the thread's end is waited for
      }
      left = deadline - System.nanoTime();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }

  private void run() {
    try {
      drain();
      while (running()) {
        if (shared.awaitNotification(-1)) {
          drain();
        }
      }
    } catch (GuestFault | IOException e) {
      shared.fail(e.getMessage());
    } catch (RuntimeException | Error e) {
      shared.fail(e.toString());
    }
  }

  private boolean running() {
    return !stopping && !shared.failed();
  }

  private void drain() throws GuestFault, IOException {
    do {
      queue.disableNotifications();
      int unannounced = 0;
      while (running() && queue.poll(request)) {
        queue.addUsed(request.head(), device.process(index, request));
        if (++unannounced == MAX_UNANNOUNCED) {
          shared.announce();
          unannounced = 0;
        }
      }
      if (unannounced > 0) {
        shared.announce();
      }
    } while (running() && queue.enableNotifications());
  }
}
