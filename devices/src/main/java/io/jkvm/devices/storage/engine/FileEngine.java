// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.uring.IoRing;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskRequest.Operation;
import java.io.IOException;
import java.lang.invoke.VarHandle;

/**
 * Requests to a file or block device of the host, each by what suits it: a read that probably finds
 * its data in the page cache and a write that is probably no more than a copy by a call at once;
 * other reads by io_uring, or by threads where there is none; all that waits by nature, such as a
 * flush, by threads. Of an image whose I/O goes past the page cache no read finds anything there
 * and no write is a copy: both are by io_uring, or by threads what that does not take as it is.
 */
final class FileEngine implements DiskEngine {
  private final RawImage image;
  private final RequestSlots slots;
  private final Flushes flushes;
  private final WorkerPool pool;
  private final Completions completions = new Completions();
  private final HitPredictor reads = new HitPredictor();
  private final WritePredictor writes = new WritePredictor();

  /** Null where threads do what it would do. */
  private RingTransfers ring;

  /** Whether each read is a copy in memory. */
  private final boolean inMemory;

  /**
   * For want of any thread this one has to carry them out, one after the other as soon as nothing
   * of its own is in the ring: what is there may be what they wait for, and to come to an end needs
   * this thread.
   */
  private DiskRequest stranded;

  private boolean cacheCanBeAsked = true;
  private boolean closed;

  /**
   * Over parts that it closes.
   *
   * @param ring null to use threads in its place
   */
  FileEngine(RawImage image, RequestSlots slots, Flushes flushes, WorkerPool pool, IoRing ring) {
    this.image = image;
    this.slots = slots;
    this.flushes = flushes;
    this.pool = pool;
    inMemory = image.isInMemory();
    this.ring = ring == null ? null : new RingTransfers(ring, image, slots, reads, this::byThread);
  }

  @Override
  public DiskEngines.Kind kind() {
    return ring == null ? DiskEngines.Kind.THREADS : DiskEngines.Kind.IO_URING;
  }

  @Override
  public int capacity() {
    return slots.capacity();
  }

  @Override
  public void attach(EventFd wakeup) {
    completions.attach(wakeup);
    if (ring != null) {
      try {
        ring.ring().registerEventFd(wakeup);
      } catch (LinuxException e) {
        ring.close(); // nothing is under way, and without the eventfd nobody would be woken
        ring = null;
      }
    }
  }

  @Override
  public void detach() {
    if (ring != null) {
      ring.ring().unregisterEventFd();
    }
    completions.detach();
  }

  @Override
  public DiskRequest acquire() {
    DiskRequest request = slots.acquire();
    if (request != null) {
      request.home = completions;
    }
    return request;
  }

  @Override
  public void release(DiskRequest request) {
    slots.release(request);
  }

  @Override
  public int inFlight() {
    return slots.inUse();
  }

  @Override
  public boolean submit(DiskRequest request) {
    request.submitted();
    switch (request.operation()) {
      case READ:
        return isEmpty(request) || read(request);
      case WRITE:
        return isEmpty(request) || write(request);
      case FLUSH:
        return flushes.submit(request, pool);
      default:
        return byThreadLater(request);
    }
  }

  /** A ring's answer to such a read would be that of a file that has ended. */
  private static boolean isEmpty(DiskRequest request) {
    return request.data().remainingBytes() == 0;
  }

  private boolean read(DiskRequest request) {
    return !image.direct() && readCached(request) || byRing(request);
  }

  private boolean readCached(DiskRequest request) {
    if (!cacheCanBeAsked) {
      return readInMemory(request);
    }
    boolean expected = reads.expectsHit();
    if (!expected && (ring != null || !reads.trialDue())) {
      return false;
    }
    int result = image.readCached(request.data(), request.position());
    if (result == 0) {
      if (expected) {
        reads.hit();
      } else {
        reads.trialHit();
      }
      return true;
    }
    if (result == -Errno.EOPNOTSUPP) {
      cacheCanBeAsked = false;
      return readInMemory(request);
    }
    reads.missed();
    return false;
  }

  /** On any other medium such a read might wait for long, and all others behind it. */
  private boolean readInMemory(DiskRequest request) {
    if (inMemory) {
      request.carryOut(image);
    }
    return inMemory;
  }

  private boolean write(DiskRequest request) {
    return image.direct() ? byRing(request) : writeCached(request) || byThreadLater(request);
  }

  private boolean writeCached(DiskRequest request) {
    if (!writes.expectsQuick()) {
      return false;
    }
    if (ring != null) {
      ring.start(); // what came before, if this is slow after all
    }
    long bytes = request.data().remainingBytes();
    long start = System.nanoTime();
    request.carryOut(image);
    writes.took(System.nanoTime() - start, bytes);
    return true;
  }

  private boolean byRing(DiskRequest request) {
    if (ring == null || stranded != null || !ring.submit(request)) {
      byThread(request);
    }
    return false;
  }

  private boolean byThreadLater(DiskRequest request) {
    byThread(request);
    return false;
  }

  private void byThread(DiskRequest request) {
    if (!pool.execute(request)) {
      if (request.operation() == Operation.FLUSH) {
        throw new IllegalStateException("a flush is its leader's");
      }
      request.next = stranded;
      stranded = request;
    }
  }

  private boolean isTurnOfStranded() {
    return stranded != null && (ring == null || ring.isIdle());
  }

  private DiskRequest takeStranded() {
    DiskRequest request = stranded;
    stranded = request.next;
    request.next = null;
    return request;
  }

  @Override
  public void start() {
    if (ring != null) {
      ring.start();
    }
  }

  @Override
  public DiskRequest complete() {
    DiskRequest request = completions.take();
    if (request == null && ring != null) {
      request = ring.complete();
    }
    if (request == null && isTurnOfStranded()) {
      request = takeStranded();
      request.carryOut(image);
    }
    return request;
  }

  @Override
  public boolean hasCompleted() {
    return ring != null && ring.hasCompleted() || !completions.isEmpty() || isTurnOfStranded();
  }

  @Override
  public boolean mayNotSleep() {
    completions.sleeping(true);
    VarHandle.fullFence();
    return hasCompleted();
  }

  @Override
  public void awake() {
    completions.sleeping(false);
  }

  @Override
  public void flush() throws IOException {
    flushes.flushNow();
  }

  @Override
  public void dropUnstarted() {
    pool.dropUnstarted(slots);
    flushes.dropWaiting(completions, slots);
    if (ring != null) {
      ring.dropUnstarted();
    }
    while (stranded != null) {
      slots.release(takeStranded());
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (slots.inUse() > 0) {
      // The kernel or a thread may still write to where they point.
      throw new CloseStack.StillInUse(
          "disk " + image.name() + ": closed with " + slots.inUse() + " requests under way");
    }
    pool.close();
    if (ring != null) {
      ring.close();
    }
    slots.close();
  }
}
