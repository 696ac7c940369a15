// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

/** Keeps what the guest sends, as far as it is told to have room. */
final class RecordingHost implements PortHost {
  /** What the guest's end did, for example {@code [true, false]}. */
  final List<Boolean> ends = new CopyOnWriteArrayList<>();

  // Guarded by this.
  private final ByteArrayOutputStream taken = new ByteArrayOutputStream();
  private long room = Long.MAX_VALUE;
  private int calls;
  private RuntimeException failure;

  private volatile ConsolePort port;
  private volatile CountDownLatch gate;
  private final AtomicBoolean entered = new AtomicBoolean();

  @Override
  public void attach(ConsolePort attached) {
    port = attached;
  }

  /** Lets calls wait until the gate opens, which no host should do. */
  void gate(CountDownLatch latch) {
    gate = latch;
  }

  @Override
  public void accept(ByteBuffer bytes) {
    entered.set(true);
    CountDownLatch latch = gate;
    if (latch != null) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    take(bytes);
  }

  /** Whether a call has come in since the last question. */
  boolean takeEntered() {
    return entered.getAndSet(false);
  }

  private synchronized void take(ByteBuffer bytes) {
    calls++;
    if (failure != null) {
      throw failure;
    }
    byte[] part = new byte[(int) Math.min(room, bytes.remaining())];
    bytes.get(part);
    room -= part.length;
    taken.writeBytes(part);
  }

  @Override
  public void guestOpen(boolean open) {
    ends.add(open);
    if (failure() != null) {
      throw failure();
    }
  }

  private synchronized RuntimeException failure() {
    return failure;
  }

  /** Makes every further call fail; null ends that. */
  synchronized void fail(RuntimeException with) {
    failure = with;
  }

  ConsolePort port() {
    return port;
  }

  /** From now on there is room for so many bytes; nobody is told. */
  synchronized void room(long bytes) {
    room = bytes;
  }

  /** The same, and the port is told. */
  void makeRoom(long bytes) {
    room(bytes);
    port.roomInHost();
  }

  synchronized byte[] taken() {
    return taken.toByteArray();
  }

  synchronized int takenBytes() {
    return taken.size();
  }

  synchronized int calls() {
    return calls;
  }
}
