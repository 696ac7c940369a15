// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.uring.Uring;
import io.jkvm.core.linux.uring.UringProbe;
import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.storage.RawImage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;

/** Opens the engines of disks, all of a kind, which share a number of threads. For any thread. */
public final class DiskEngines {
  /** Requests under way in a queue by io_uring: below what block devices queue as a rule, 256. */
  private static final int RING_REQUESTS = 128;

  /** The same by threads: what waits for a thread can as well wait in the guest's ring. */
  private static final int THREAD_REQUESTS = 32;

  private static final int MOST_THREADS = 16;
  private static final int SHARED_THREADS = 48;

  /** What carries out what can't be done at once. */
  public enum Kind {
    /** io_uring, and threads where it can't be had. */
    IO_URING("io_uring"),
    /** Threads that wait. */
    THREADS("threads"),
    /** Calls of the queue's own thread, one after the other. */
    CALLS("calls");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    /** For a person. */
    public String label() {
      return label;
    }
  }

  private final Kind kind;
  private final String reason;
  private final Semaphore sharedThreads = new Semaphore(SHARED_THREADS);

  /** Engines of a kind. */
  public DiskEngines(Kind kind) {
    this(kind, "");
  }

  private DiskEngines(Kind kind, String reason) {
    this.kind = kind;
    this.reason = reason;
  }

  /** Engines of the best kind that works in this process, which is found out once. */
  public static DiskEngines probed() {
    String refusal = UringProbe.refusal();
    return refusal.isEmpty()
        ? new DiskEngines(Kind.IO_URING)
        : new DiskEngines(Kind.THREADS, refusal);
  }

  /** The engine of a disk with one queue. */
  public DiskEngine open(BlockBackend backend, String name) throws LinuxException {
    return open(backend, name, 1, false).get(0);
  }

  /** Which kind they are. */
  public Kind kind() {
    return kind;
  }

  /** Why they are not of a better kind, in a few words; empty if they are or it was not asked. */
  public String reason() {
    return reason;
  }

  /** An engine that carries each request out on its caller's thread; needs not to be closed. */
  public static DiskEngine calls(BlockBackend backend) {
    return new DirectEngine(backend, new Flushes(backend, false));
  }

  /**
   * Opens the engines of a disk, one for each of its queues. A backend that is not known to bear
   * several threads gets calls, of one queue.
   *
   * @param name for threads: "vm1/disk.img"
   * @param queues how many are wanted, at least 1
   * @param ignoreFlushes whether a flush does nothing
   * @return as many as wanted, or one; each to be closed before the backend is
   */
  public List<DiskEngine> open(BlockBackend backend, String name, int queues, boolean ignoreFlushes)
      throws LinuxException {
    Flushes flushes = new Flushes(backend, ignoreFlushes);
    if (kind == Kind.CALLS || !(backend instanceof RawImage)) {
      return List.of(new DirectEngine(backend, flushes));
    }
    List<DiskEngine> engines = new ArrayList<>();
    boolean whole = false;
    try {
      for (int i = 0; i < queues; i++) {
        engines.add(open((RawImage) backend, name, flushes));
      }
      whole = true;
      return engines;
    } finally {
      if (!whole) {
        engines.forEach(DiskEngine::close);
      }
    }
  }

  private DiskEngine open(RawImage image, String name, Flushes flushes) throws LinuxException {
    WorkerPool pool = new WorkerPool(name + " io", image, flushes, sharedThreads, MOST_THREADS);
    Uring ring = kind == Kind.IO_URING ? openRing() : null;
    RequestSlots slots = null;
    FileEngine engine = null;
    try {
      slots = RequestSlots.several(ring == null ? THREAD_REQUESTS : ring.entries());
      engine = new FileEngine(image, slots, flushes, pool, ring);
      return engine;
    } finally {
      if (engine == null && slots != null) {
        slots.close();
      }
      if (engine == null && ring != null) {
        ring.close();
      }
    }
  }

  /** Null if the host has no room for one more: threads do the same. */
  private static Uring openRing() {
    Uring ring;
    try {
      ring = Uring.open(RING_REQUESTS);
    } catch (LinuxException e) {
      return null;
    }
    boolean whole = false;
    try {
      ring.maxWorkers(MOST_THREADS, 1);
      whole = true;
    } catch (LinuxException e) {
      whole = true; // before Linux 5.15, where their number is the kernel's to choose
    } finally {
      if (!whole) {
        ring.close();
      }
    }
    return ring;
  }
}
