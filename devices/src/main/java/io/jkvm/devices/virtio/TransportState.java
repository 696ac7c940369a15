// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.vm.CloseStack;
import io.jkvm.devices.virtio.queue.Virtqueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What every virtio transport keeps: device status, feature negotiation, queue settings, the
 * queues' threads and notification eventfds (virtio 1.2, sections 2.1, 2.2 and 3.1).
 *
 * <p>All register methods are called with one lock, this object's monitor. {@link #fail}, {@link
 * #failed} and {@link #queueUsed} are called by the queues' threads and take no lock, so that a
 * reset can wait for these threads while it holds it.
 */
final class TransportState implements AutoCloseable {
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
  interface Interrupts {
    /** A used buffer notification (section 2.3). */
    void queueUsed(int queue);

    /** A configuration change notification. */
    void configChanged();

    /** Forgets what the driver has not acknowledged. */
    void clear();
  }

  private final VirtioDevice device;
  private final GuestMemory memory;
  private final Interrupts interrupts;
  private final QueueSettings[] settings;
  private final EventFd[] notify;
  private final QueueWorker[] workers;
  private final LogLimit failureLog = new LogLimit(TransportState.class, MAX_LOGGED_FAILURES);
  private final AtomicBoolean failed = new AtomicBoolean();
  private final long offeredFeatures;
  private long driverFeatures;
  private boolean unknownFeatures;
  private volatile int status;
  private boolean closed;

  TransportState(VirtioDevice device, GuestMemory memory, Interrupts interrupts)
      throws LinuxException {
    this.device = device;
    this.memory = memory;
    this.interrupts = interrupts;
    offeredFeatures =
        device.features()
            | VirtioFeatures.INDIRECT_DESC
            | VirtioFeatures.EVENT_IDX
            | VirtioFeatures.VERSION_1;
    settings = new QueueSettings[device.queueCount()];
    workers = new QueueWorker[settings.length];
    notify = new EventFd[settings.length];
    try {
      for (int i = 0; i < settings.length; i++) {
        settings[i] = new QueueSettings();
        notify[i] = new EventFd();
      }
    } catch (LinuxException e) {
      closeNotify();
      throw e;
    }
  }

  int queueCount() {
    return settings.length;
  }

  EventFd notify(int queue) {
    return notify[queue];
  }

  /** The device status field (section 2.1). */
  synchronized int status() {
    return status | (failed.get() ? DEVICE_NEEDS_RESET : 0);
  }

  /** 32 of the offered feature bits; 0 for a selector above 1. */
  int offeredFeatures(int selector) {
    return selector == 0 || selector == 1 ? (int) (offeredFeatures >>> (32 * selector)) : 0;
  }

  /** The driver accepts 32 feature bits; ignored once FEATURES_OK is set. */
  synchronized void acceptFeatures(int selector, int bits) {
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
  synchronized int acceptedFeatures(int selector) {
    return selector == 0 || selector == 1 ? (int) (driverFeatures >>> (32 * selector)) : 0;
  }

  /** The settings of a queue, to be read only, with the transport's lock held; null if none. */
  QueueSettings settings(int queue) {
    return queue >= 0 && queue < settings.length ? settings[queue] : null;
  }

  /** The settings of a queue while the driver may change them, else null. */
  synchronized QueueSettings changeableSettings(int queue) {
    boolean exists = queue >= 0 && queue < settings.length;
    boolean phase = (status & (FEATURES_OK | DRIVER_OK)) == FEATURES_OK;
    return exists && phase && !settings[queue].ready ? settings[queue] : null;
  }

  /** Whether the queue is in use by the driver; false for one that does not exist. */
  synchronized boolean queueReady(int queue) {
    return queue >= 0 && queue < settings.length && settings[queue].ready;
  }

  /** Takes a queue into use before DRIVER_OK, or out of use at any time. */
  synchronized void setQueueReady(int queue, boolean ready) {
    if (ready) {
      QueueSettings changeable = changeableSettings(queue);
      if (changeable != null) {
        changeable.ready = true;
      }
    } else if (queueReady(queue) && stop(queue, queue + 1)) {
      settings[queue].ready = false;
    }
  }

  /** The driver writes the device status field; bits are never cleared but by writing 0. */
  synchronized void writeStatus(int value) {
    if (closed) {
      return;
    }
    if (value == 0) {
      reset();
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
        && (driverFeatures & VirtioFeatures.VERSION_1) != 0;
  }

  private void activate() {
    try {
      for (int i = 0; i < settings.length; i++) {
        if (settings[i].ready) {
          QueueSettings s = settings[i];
          Virtqueue queue =
              new Virtqueue(
                  memory,
                  device.maxQueueSize(i),
                  s.size,
                  s.descriptors,
                  s.avail,
                  s.used,
                  (driverFeatures & VirtioFeatures.EVENT_IDX) != 0,
                  (driverFeatures & VirtioFeatures.INDIRECT_DESC) != 0);
          workers[i] = new QueueWorker(this, device, i, queue, notify[i]);
        }
      }
      device.activate(driverFeatures);
      for (QueueWorker worker : workers) {
        if (worker != null) {
          worker.start();
        }
      }
    } catch (GuestFault e) {
      fail(e.getMessage());
    } catch (RuntimeException | OutOfMemoryError e) {
      fail(e.toString());
    }
  }

  private void reset() {
    if (!stop(0, workers.length)) {
      return;
    }
    if ((status & DRIVER_OK) != 0) {
      device.reset();
    }
    for (QueueSettings s : settings) {
      s.clear();
    }
    driverFeatures = 0;
    unknownFeatures = false;
    status = 0;
    failed.set(false);
    interrupts.clear();
  }

  /** Ends the threads of some queues; false, and the device needs a reset, if one won't end. */
  private boolean stop(int from, int to) {
    for (int i = from; i < to; i++) {
      if (workers[i] != null) {
        workers[i].requestStop();
      }
    }
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(STOP_TIMEOUT_MILLISECONDS);
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
      fail("a request did not end within " + STOP_TIMEOUT_MILLISECONDS + " ms of a reset");
    }
    return stopped;
  }

  /** The device can't go on until the driver resets it; called by any thread. */
  void fail(String reason) {
    if (failed.compareAndSet(false, true)) {
      failureLog.warn(device.name(), reason + "; the device needs a reset");
      if ((status & DRIVER_OK) != 0) {
        interrupts.configChanged();
      }
    }
  }

  boolean failed() {
    return failed.get();
  }

  void queueUsed(int queue) {
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
      if (!stop(0, workers.length)) {
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
