// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.slf4j.LoggerFactory;

/**
 * What has to be closed after a machine, layer by layer; within a layer in the reverse of the order
 * in which it came into being. One that fails to close does not keep the others open: its exception
 * is remembered for {@link #failures}, which somebody should look at.
 *
 * <p>If a thread is stuck ({@link StillInUse}), what it may touch stays open, because to unmap RAM
 * under it would end the whole process, and to close a file would let it write to whatever gets the
 * descriptor's number next. Everything else goes on, above all the flushes of all disks. From then
 * on no close is trusted to return: each gets a thread and a limited time.
 *
 * <p>Filled and closed by one thread at a time.
 */
public final class CloseStack implements AutoCloseable {
  /** The layers in the order in which they are closed. */
  public enum Layer {
    /** What sends to the machine from outside: after it nothing comes in any more. */
    NETWORKS(false),
    /** Devices with threads: queues, timers, the console. Their threads are joined. */
    DEVICES(false),
    /** Flushes of disks, all at once: a disk that hangs does not keep the others waiting. */
    FLUSHES(false),
    /** The descriptors of vCPUs whose threads have ended. */
    VCPUS(true),
    /** Interrupt routes and eventfds, which devices and vCPUs signalled up to now. */
    INTERRUPTS(true),
    /** The VM's descriptor, after which KVM no longer touches the memory. */
    VM(true),
    /** RAM and ROM. */
    MEMORY(true),
    /** The files of disks, and with them their locks. */
    DISKS(true),
    /** What belongs to the host, such as the open /dev/kvm: no thread of the machine uses it. */
    HOST(false);

    private final boolean usedByThreads;

    Layer(boolean usedByThreads) {
      this.usedByThreads = usedByThreads;
    }
  }

  /** Thrown by a resource that a thread still uses: what that thread needs must stay open. */
  public static final class StillInUse extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    public StillInUse(String message) {
      super(message);
    }
  }

  /** A little more than the 10 s that a device's reset waits for its requests. */
  private static final long CLOSE_MILLISECONDS = 15_000;

  /** Next to something that hangs; where nothing does, a flush may take as long as it needs. */
  private static final long FLUSH_MILLISECONDS = 60_000;

  private final Map<Layer, Deque<AutoCloseable>> layers = new EnumMap<>(Layer.class);
  private final List<Exception> failures = new ArrayList<>();
  private final String owner;
  private final long closeMilliseconds;
  private final long flushMilliseconds;
  private boolean inUse;

  /**
   * A stack with nothing in it.
   *
   * @param owner the machine, which the names of threads begin with
   */
  public CloseStack(String owner) {
    this(owner, CLOSE_MILLISECONDS, FLUSH_MILLISECONDS);
  }

  CloseStack(String owner, long closeMilliseconds, long flushMilliseconds) {
    this.owner = owner;
    this.closeMilliseconds = closeMilliseconds;
    this.flushMilliseconds = flushMilliseconds;
    for (Layer layer : Layer.values()) {
      layers.put(layer, new ArrayDeque<>());
    }
  }

  /** Takes charge of a resource and returns it. */
  public <T extends AutoCloseable> T push(Layer layer, T resource) {
    layers.get(layer).push(resource);
    return resource;
  }

  /**
   * Takes charge of a resource of a stack that needs no layers: all are in one, {@link
   * Layer#MEMORY}, and if one of them is still in use, those pushed before it stay open.
   */
  public <T extends AutoCloseable> T push(T resource) {
    return push(Layer.MEMORY, resource);
  }

  /**
   * To be called before {@link #close} if a thread of the machine did not end: what it may touch
   * stays open.
   *
   * @param who the thread, for a person
   */
  public void keepForThread(String who) {
    failed(who, new StillInUse(who + " did not end"));
  }

  /** Closes everything; a second call does nothing. Waits for each, also if interrupted. */
  @Override
  public void close() {
    boolean interrupted = Thread.interrupted();
    try {
      layers.forEach(this::close);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** What went wrong in {@link #close}, in order; empty if all was flushed and closed. */
  public List<Exception> failures() {
    synchronized (failures) {
      return List.copyOf(failures);
    }
  }

  private void close(Layer layer, Deque<AutoCloseable> resources) {
    if (layer == Layer.FLUSHES) {
      flush(resources);
    }
    while (!resources.isEmpty()) {
      AutoCloseable resource = resources.pop();
      if (!isInUse()) {
        closeOne(resource);
      } else if (!layer.usedByThreads) {
        join(resource, closeOnThread(resource), closeMilliseconds);
      }
    }
  }

  private void flush(Deque<AutoCloseable> resources) {
    List<AutoCloseable> flushes = new ArrayList<>(resources);
    resources.clear();
    List<WorkerThread> workers = new ArrayList<>();
    flushes.forEach(flush -> workers.add(closeOnThread(flush)));
    long start = System.nanoTime();
    for (int i = 0; i < workers.size(); i++) {
      long spent = (System.nanoTime() - start) / 1_000_000;
      join(flushes.get(i), workers.get(i), isInUse() ? flushMilliseconds - spent : Long.MAX_VALUE);
    }
  }

  private WorkerThread closeOnThread(AutoCloseable resource) {
    WorkerThread worker = new WorkerThread(owner + "/close", () -> closeOne(resource));
    try {
      return worker.start();
    } catch (OutOfMemoryError e) {
      closeOne(resource); // no thread to be had: better late than never
      return worker;
    }
  }

  private void join(AutoCloseable resource, WorkerThread worker, long milliseconds) {
    if (!worker.join(milliseconds)) {
      failed(resource, new StillInUse(resource + " did not close in time"));
    }
  }

  private void closeOne(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) {
      failed(resource, e);
    } catch (Error e) {
      failed(resource, new IllegalStateException(e));
    }
  }

  private boolean isInUse() {
    synchronized (failures) {
      return inUse;
    }
  }

  /** Also called by the threads that close. */
  private void failed(Object resource, Exception e) {
    synchronized (failures) {
      failures.add(e);
      inUse |= e instanceof StillInUse;
    }
    LoggerFactory.getLogger(CloseStack.class).debug("{}: closing failed", resource, e);
  }
}
