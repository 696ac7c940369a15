// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioFeatures;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.SequentialService;
import io.jkvm.devices.virtio.queue.Virtqueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What every virtio transport keeps: device status, feature negotiation, queue settings, the
 * queues' threads and notification eventfds (virtio 1.2, sections 2.1, 2.2 and 3.1).
 *
 * <p>All register methods are called with one lock, this object's monitor. {@link #fail}, {@link
 * #failed} and {@link #queueUsed} are called by the queues' threads and take no lock, so that a
 * reset can wait for these threads while it holds it.
 */
public final class VirtioFunction implements AutoCloseable {
  static final int ACKNOWLEDGE = 1;
  static final int DRIVER = 2;
  static final int DRIVER_OK = 4;
  static final int FEATURES_OK = 8;
  static final int DEVICE_NEEDS_RESET = 64;
  static final int FAILED = 128;

  private static final int DRIVER_BITS = ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK | FAILED;
  private static final int MAX_LOGGED_FAILURES = 16;

  /** How long a reset waits for a request in flight. */
  private static final long STOP_TIMEOUT_MILLISECONDS = 10_000;

  /** How a transport tells the driver; called without its locks. */
  public interface Interrupts {
    /** A used buffer notification (section 2.3). */
    public void queueUsed(int queue);

    /** A configuration change notification. */
    void configChanged();

    /** Forgets what the driver has not acknowledged. */
    void clear();
  }

  private final VirtioDevice device;
  private final GuestMemory memory;
  private final Interrupts interrupts;
  private final QueueRegisters[] settings;
  private final EventFd[] notify;
  private final SequentialService[] workers;
  private final boolean[] servedByDevice;
  private final AtomicInteger configGeneration = new AtomicInteger();
  private final LogLimit failureLog = new LogLimit(VirtioFunction.class, MAX_LOGGED_FAILURES);
  private final AtomicBoolean failed = new AtomicBoolean();
  private final long offeredFeatures;
  private long driverFeatures;
  private boolean unknownFeatures;
  private volatile int status;
  private boolean resetPending;
  private boolean closed;

  public VirtioFunction(VirtioDevice device, GuestMemory memory, Interrupts interrupts)
      throws LinuxException {
    this.device = device;
    this.memory = memory;
    this.interrupts = interrupts;
    offeredFeatures =
        device.features()
            | VirtioFeatures.INDIRECT_DESC
            | VirtioFeatures.EVENT_IDX
            | VirtioFeatures.VERSION_1;
    settings = new QueueRegisters[device.queueCount()];
    workers = new SequentialService[settings.length];
    servedByDevice = new boolean[settings.length];
    notify = new EventFd[settings.length];
    try {
      for (int i = 0; i < settings.length; i++) {
        settings[i] = new QueueRegisters();
        notify[i] = new EventFd();
      }
    } catch (LinuxException e) {
      closeNotify();
      throw e;
    }
    device.attach(this::configChanged);
  }

  public int queueCount() {
    return settings.length;
  }

  public EventFd notify(int queue) {
    return notify[queue];
  }

  /** The device status field (section 2.1). */
  public synchronized int status() {
    if (resetPending) {
      reset(0);
    }
    return status | (failed.get() ? DEVICE_NEEDS_RESET : 0);
  }

  /** 32 of the offered feature bits; 0 for a selector above 1. */
  public int offeredFeatures(int selector) {
    return selector == 0 || selector == 1 ? (int) (offeredFeatures >>> (32 * selector)) : 0;
  }

  /** The driver accepts 32 feature bits; ignored once FEATURES_OK is set. */
  public synchronized void acceptFeatures(int selector, int bits) {
    if ((status & FEATURES_OK) != 0) {
      return;
    }
    if (selector == 0) {
      driverFeatures = driverFeatures & ~0xffff_ffffL | Integer.toUnsignedLong(bits);
    } else if (selector == 1) {
      driverFeatures = driverFeatures & 0xffff_ffffL | (long) bits << 32;
    } else if (bits != 0) {
      unknownFeatures = true;
    }
  }

  /** 32 of the feature bits that the driver accepted; 0 for a selector above 1. */
  public synchronized int acceptedFeatures(int selector) {
    return selector == 0 || selector == 1 ? (int) (driverFeatures >>> (32 * selector)) : 0;
  }

  /** The settings of a queue, to be read only, with the transport's lock held; null if none. */
  public QueueRegisters settings(int queue) {
    return queue >= 0 && queue < settings.length ? settings[queue] : null;
  }

  /** The settings of a queue while the driver may change them, else null. */
  public synchronized QueueRegisters changeableSettings(int queue) {
    boolean exists = queue >= 0 && queue < settings.length;
    boolean phase = (status & (FEATURES_OK | DRIVER_OK)) == FEATURES_OK;
    return exists && phase && !settings[queue].ready ? settings[queue] : null;
  }

  /** Whether the queue is in use by the driver; false for one that does not exist. */
  public synchronized boolean queueReady(int queue) {
    return queue >= 0 && queue < settings.length && settings[queue].ready;
  }

  /** Takes a queue into use before DRIVER_OK, or out of use at any time. */
  public synchronized void setQueueReady(int queue, boolean ready) {
    if (ready) {
      QueueRegisters changeable = changeableSettings(queue);
      if (changeable != null) {
        changeable.ready = true;
      }
    } else if (queueReady(queue) && stop(queue, queue + 1, STOP_TIMEOUT_MILLISECONDS)) {
      settings[queue].ready = false;
    }
  }

  /** The driver writes the device status field; bits are never cleared but by writing 0. */
  public synchronized void writeStatus(int value) {
    if (closed) {
      return;
    }
    if (value == 0) {
      // The second time a driver asks, it can just as well poll for the end.
      reset(resetPending ? 0 : STOP_TIMEOUT_MILLISECONDS);
      return;
    }
    if (resetPending) {
      return;
    }
    int added = value & DRIVER_BITS & ~status;
    if ((added & FEATURES_OK) != 0 && !featuresAcceptable((status | added))) {
      added &= ~FEATURES_OK;
    }
    if (((status | added) & FEATURES_OK) == 0) {
      added &= ~DRIVER_OK;
    }
    status |= added;
    if ((added & DRIVER_OK) != 0) {
      activate();
    }
  }

  private boolean featuresAcceptable(int newStatus) {
    return (newStatus & (ACKNOWLEDGE | DRIVER)) == (ACKNOWLEDGE | DRIVER)
        && !unknownFeatures
        && (driverFeatures & ~offeredFeatures) == 0
        && (driverFeatures & VirtioFeatures.VERSION_1) != 0
        && device.acceptsFeatures(driverFeatures);
  }

  private void activate() {
    try {
      ActiveQueue[] queues = new ActiveQueue[settings.length];
      for (int i = 0; i < settings.length; i++) {
        if (settings[i].ready) {
          queues[i] = new ActiveQueue(this, i, rings(i), notify[i]);
        }
      }
      device.activate(driverFeatures);
      for (int i = 0; i < queues.length; i++) {
        if (queues[i] != null && device.servesQueue(i)) {
          servedByDevice[i] = true;
          device.queueStarted(i, queues[i]);
        } else if (queues[i] != null) {
          workers[i] = new SequentialService(device, i, queues[i]);
          workers[i].start();
        }
      }
    } catch (GuestFault e) {
      fail(e.getMessage());
    } catch (RuntimeException | OutOfMemoryError e) {
      fail(e.toString());
    }
  }

  private Virtqueue rings(int index) throws GuestFault {
    QueueRegisters queue = settings[index];
    return new Virtqueue(
        memory,
        device.maxQueueSize(index),
        queue.size,
        queue.descriptors,
        queue.avail,
        queue.used,
        (driverFeatures & VirtioFeatures.EVENT_IDX) != 0,
        (driverFeatures & VirtioFeatures.INDIRECT_DESC) != 0);
  }

  /** Where a request hangs in the host, the reset is completed when the status is next read. */
  private void reset(long waitMilliseconds) {
    resetPending = !stop(0, workers.length, waitMilliseconds);
    if (resetPending) {
      return;
    }
    if ((status & DRIVER_OK) != 0) {
      device.reset();
    }
    for (QueueRegisters s : settings) {
      s.clear();
    }
    driverFeatures = 0;
    unknownFeatures = false;
    status = 0;
    failed.set(false);
    interrupts.clear();
  }

  /** Ends the threads of some queues; false, and the device needs a reset, if one won't end. */
  private boolean stop(int from, int to, long waitMilliseconds) {
    for (int i = from; i < to; i++) {
      if (workers[i] != null) {
        workers[i].requestStop();
      }
      if (servedByDevice[i]) {
        device.queueStopped(i);
        servedByDevice[i] = false;
      }
    }
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(waitMilliseconds);
    boolean stopped = true;
    for (int i = from; i < to; i++) {
      if (workers[i] != null) {
        if (workers[i].join(TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()))) {
          workers[i] = null;
        } else {
          stopped = false;
        }
      }
    }
    if (!stopped) {
      fail("a request in flight does not end");
    }
    return stopped;
  }

  /** Any thread: the device changed its configuration (section 2.5.1). */
  private void configChanged() {
    configGeneration.incrementAndGet();
    if ((status & DRIVER_OK) != 0) {
      interrupts.configChanged();
    }
  }

  /** The configuration generation (section 2.5). */
  public int configGeneration() {
    return configGeneration.get();
  }

  /** The device can't go on until the driver resets it; called by any thread. */
  public void fail(String reason) {
    if (failed.compareAndSet(false, true)) {
      failureLog.warn(device.name(), reason + "; the device needs a reset");
      if ((status & DRIVER_OK) != 0) {
        interrupts.configChanged();
      }
    }
  }

  public boolean failed() {
    return failed.get();
  }

  public void queueUsed(int queue) {
    interrupts.queueUsed(queue);
  }

  /**
   * Ends the threads and closes the eventfds. No vCPU may run any more.
   *
   * @throws CloseStack.StillInUse if a request hangs in the host: guest RAM must stay mapped
   */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      // A thread that hangs in the host still needs its eventfd's number not to be another file's.
      if (!stop(0, workers.length, STOP_TIMEOUT_MILLISECONDS)) {
        throw new CloseStack.StillInUse(device.name() + ": a request does not end");
      }
      closeNotify();
    }
  }

  private void closeNotify() {
    for (EventFd eventFd : notify) {
      if (eventFd != null) {
        eventFd.close();
      }
    }
  }
}
