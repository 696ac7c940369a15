// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.SequentialService;
import java.nio.ByteBuffer;

/**
 * A port's transmit queue: the guest's bytes on their way to the {@link PortHost}. A request for
 * which the host has no room is put off, so that its thread waits like one without a request.
 *
 * <p>What the guest sends while the host's end is closed is dropped. To hold it would be kinder to
 * programs, which Linux makes wait for the host's end anyhow. But its consoles do not look at that:
 * the kernel's own messages would find a full ring, and a vCPU spins with interrupts off until the
 * host takes the byte.
 */
final class PortOutput implements RequestHandler {
  private static final int PIECE_BYTES = 4096;

  /** After as many pieces a pause or a reset gets its chance: a request may have 4 GiB. */
  private static final int MAX_PIECES = 16;

  private static final int MAX_LOGGED = 4;

  private final String logName;
  private final PortHost host;
  private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
  private final LogLimit failures = new LogLimit(VirtioConsole.class, MAX_LOGGED);
  private volatile boolean hostOpen;
  private volatile SequentialService service;

  /** How much of a request that was put off the host has taken; of the queue's thread only. */
  private long done;

  PortOutput(String logName, PortHost host) {
    this.logName = logName;
    this.host = host;
  }

  QueueService serve(ActiveQueue rings) {
    done = 0; // no thread runs
    service = new SequentialService(rings, this);
    return service;
  }

  void hostOpen(boolean open) {
    hostOpen = open;
    lookAgain(); // a request that waits for room need not any more
  }

  /** There may be room in the host, or no need for it. */
  void lookAgain() {
    SequentialService current = service;
    if (current != null) {
      current.tryAgain();
    }
  }

  void afterPending(Runnable action) {
    SequentialService current = service;
    if (current == null) {
      action.run();
    } else {
      current.afterPending(action);
    }
  }

  @Override
  public long process(DescriptorChain request) throws GuestFault {
    if (request.writableBytes() != 0) {
      throw new GuestFault("output with " + request.writableBytes() + " bytes to be written");
    }
    for (int pieces = 0; hostOpen && done < request.readableBytes(); pieces++) {
      if (pieces == MAX_PIECES) {
        lookAgain();
        return PUT_OFF;
      }
      int length = (int) Math.min(PIECE_BYTES, request.readableBytes() - done);
      request.read(done, piece.clear(), 0, length);
      int taken = give(length);
      done += taken;
      if (taken < length) {
        return PUT_OFF;
      }
    }
    done = 0;
    return 0;
  }

  /** How many bytes of the piece the host took. */
  private int give(int length) {
    piece.limit(length);
    try {
      host.accept(piece);
    } catch (RuntimeException e) {
      failures.warn(logName, "output dropped: " + e);
      return length;
    }
    return Math.min(piece.position(), length);
  }
}
