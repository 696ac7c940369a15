// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.uring.IoRing;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskRequest.Operation;
import java.io.IOException;
import java.util.function.Consumer;

/**
 * Reads and writes by a ring of the kernel's. What was transferred is added up and the rest
 * submitted again; an error of the file is the request's, and whatever else the ring may answer has
 * a thread do the rest by a call, which has the last word. So has a rest that the image does not
 * admit as it is. Used by one thread at a time.
 */
final class RingTransfers {
  private final IoRing ring;
  private final RawImage image;
  private final RequestSlots slots;
  private final HitPredictor reads;
  private final Consumer<DiskRequest> byThread;

  /** In the ring, taken by the kernel or not. */
  private int underWay;

  private int batch;

  /** What completes now was completed by its submission if its batch is this one or a later. */
  private int freshFrom;

  private boolean broken;

  /**
   * Over a ring, which it closes.
   *
   * @param byThread finishes a request otherwise
   */
  RingTransfers(
      IoRing ring,
      RawImage image,
      RequestSlots slots,
      HitPredictor reads,
      Consumer<DiskRequest> byThread) {
    this.ring = ring;
    this.image = image;
    this.slots = slots;
    this.reads = reads;
    this.byThread = byThread;
  }

  IoRing ring() {
    return ring;
  }

  /** Whether nothing is in the ring. */
  boolean isIdle() {
    return underWay == 0;
  }

  /**
   * Takes a request that {@link #start} begins.
   *
   * @return false if there is no room, or it can't be done by a ring, or not now
   */
  boolean submit(DiskRequest request) {
    if (broken
        || underWay == ring.entries()
        || !image.admits(request.data(), request.position())
        || isWrite(request) && !image.tryBeginWrite()) {
      return false;
    }
    underWay++;
    if (!prepare(request)) {
      left(request);
      return false;
    }
    return true;
  }

  private static boolean isWrite(DiskRequest request) {
    return request.operation() == Operation.WRITE;
  }

  private boolean prepare(DiskRequest request) {
    request.batch = batch;
    int file = image.fd().value();
    long iovecs = request.data().address();
    int count = request.data().count();
    return isWrite(request)
        ? ring.prepareWrite(file, iovecs, count, request.position(), request.token())
        : ring.prepareRead(file, iovecs, count, request.position(), request.token());
  }

  /** It is not in the ring any more. */
  private void left(DiskRequest request) {
    underWay--;
    if (isWrite(request)) {
      image.endWrite();
    }
  }

  void start() {
    if (ring.prepared() == 0) {
      return;
    }
    int result = ring.submit();
    batch = (batch + 1) & Integer.MAX_VALUE;
    if (result == 0) {
      return;
    }
    boolean later = result == -Errno.EAGAIN || result == -Errno.EBUSY || result == -Errno.ENOMEM;
    if (later && underWay > ring.prepared()) {
      return; // the next completion brings the thread here again
    }
    broken |= !later;
    while (ring.prepared() > 0) {
      byThread.accept(takeBack());
    }
  }

  private DiskRequest takeBack() {
    DiskRequest request = slots.of(ring.takeBack());
    left(request);
    return request;
  }

  boolean hasCompleted() {
    return ring.hasCompletion();
  }

  DiskRequest complete() {
    while (ring.next()) {
      DiskRequest request = slots.of(ring.userData());
      if (request != null) {
        left(request);
        if (isFinished(request)) {
          return request;
        }
      }
    }
    freshFrom = batch; // what completes from now on of those had to be waited for
    return null;
  }

  /** Never throws: a request that is not answered is waited for, for ever. */
  private boolean isFinished(DiskRequest request) {
    try {
      return finished(request, ring.result());
    } catch (Throwable e) { // while the words for another failure were made
      request.fail(e);
      return true;
    }
  }

  /** False if the request goes on, or a thread does. */
  private boolean finished(DiskRequest request, int answer) {
    int result = answer;
    if (isWrite(request)) {
      // A direct write that ends within a block is made again from the block's beginning.
      result = result < 0 ? result : result & -image.directBlockBytes();
    } else {
      if (request.batch >= freshFrom) {
        reads.hit();
      } else {
        reads.missed();
      }
    }
    if (result > 0) {
      if (result > request.data().remainingBytes()) {
        request.fail(new IOException("io_uring transferred more than it was asked to"));
        return true;
      }
      request.data().advance(result);
      if (request.data().remainingBytes() == 0) {
        return true;
      }
      if (submit(request)) {
        start();
        freshFrom = batch;
      } else {
        byThread.accept(request);
      }
      return false;
    }
    if (result == 0 && !isWrite(request)) {
      request.fail(image.truncated(request.position()));
      return true;
    }
    if (result == 0 || isOfTheRing(-result)) {
      byThread.accept(request);
      return false;
    }
    String call = isWrite(request) ? "write" : "read";
    request.fail(image.failed(call, request.position(), -result));
    return true;
  }

  /** Errors that say nothing of the file: a call may do better. */
  private static boolean isOfTheRing(int errno) {
    return switch (errno) {
      case Errno.EINTR,
          Errno.EAGAIN,
          Errno.EBUSY,
          Errno.ENOMEM,
          Errno.EINVAL,
          Errno.EFAULT,
          Errno.EBADF,
          Errno.ECANCELED,
          Errno.EOPNOTSUPP ->
          true;
      default -> false;
    };
  }

  /** Takes back what the kernel has not begun; each is released. */
  void dropUnstarted() {
    while (ring.prepared() > 0) {
      slots.release(takeBack());
    }
  }

  void close() {
    ring.close();
  }
}
