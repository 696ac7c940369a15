// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.Pausable;
import io.jkvm.core.lifecycle.PauseTimeoutException;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioFeatures;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.Virtqueue;

/**
 * What every virtio transport keeps: device status, feature negotiation, queue settings, the
 * queues' services and notification eventfds (virtio 1.2, sections 2.1, 2.2 and 3.1).
 *
 * <p>All register methods are called by vCPU threads with one lock, this object's monitor, which is
 * held while a reset waits for the services. What the services call takes no lock that is held
 * while somebody waits for them. Nor does {@link #pause}, which needs no vCPU to leave the device:
 * one that is in a reset just then does not hold it up for longer than the request in flight does.
 * To find RAM and registers unchanged while paused, pause the vCPUs first, then the devices.
 */
public final class VirtioFunction implements Pausable, AutoCloseable {
  static final int ACKNOWLEDGE = 1;
  static final int DRIVER = 2;
  static final int DRIVER_OK = 4;
  static final int FEATURES_OK = 8;
  static final int DEVICE_NEEDS_RESET = 64;
  static final int FAILED = 128;

  private static final int DRIVER_BITS = ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK | FAILED;

  /** How often a reset that has to finish looks whether the machine is to stop. */
  private static final long STEP_MILLISECONDS = 100;

  /** The most that a write to configuration space waits for a request in flight. */
  private static final long BUS_MASTER_MILLISECONDS = 1000;

  /** How a transport tells the driver; called without its locks. */
  public interface Interrupts {
    /** A used buffer notification (section 2.3). */
    void queueUsed(int queue);

    /** A configuration change notification. */
    void configChanged();

    /** Forgets what the driver has not acknowledged. */
    void clear();
  }

  private final VirtioDevice device;
  private final VirtioHost host;
  private final boolean resetIsPolled;
  private final int[] maxSizes;
  private final QueueRegisters[] settings;
  private final Selectors selectors = new Selectors();
  private final EventFd[] notify;
  private final ServedQueues queues;
  private final DriverSignals signals;
  private final long offeredFeatures;
  private long driverFeatures;
  private boolean unknownFeatures;
  private volatile int status;
  private boolean resetPending;
  private volatile boolean closed;

  /** One pause or resume at a time. */
  private final Object pausing = new Object();

  /**
   * The common part of a transport.
   *
   * @param resetIsPolled whether drivers of this transport wait for the end of a reset by reading
   *     the status, so that the write need not wait for as long as it takes
   * @throws LinuxException if the host has no more eventfds
   */
  public VirtioFunction(
      VirtioDevice device, VirtioHost host, Interrupts interrupts, boolean resetIsPolled)
      throws LinuxException {
    this.device = device;
    this.host = host;
    signals = new DriverSignals(name(), interrupts, host.hostFailure());
    this.resetIsPolled = resetIsPolled;
    offeredFeatures =
        device.features()
            | VirtioFeatures.INDIRECT_DESC
            | VirtioFeatures.EVENT_IDX
            | VirtioFeatures.VERSION_1;
    maxSizes = device.queueSizes().clone();
    settings = new QueueRegisters[maxSizes.length];
    queues = new ServedQueues(maxSizes.length);
    notify = new EventFd[maxSizes.length];
    try {
      for (int i = 0; i < settings.length; i++) {
        settings[i] = new QueueRegisters();
        notify[i] = new EventFd();
      }
      device.attach(signals::configChanged);
    } catch (LinuxException | RuntimeException | Error e) {
      closeNotify();
      throw e;
    }
  }

  public int queueCount() {
    return settings.length;
  }

  public EventFd notify(int queue) {
    return notify[queue];
  }

  /** What the driver's next accesses are about; with the transport's lock held. */
  public Selectors selectors() {
    return selectors;
  }

  /** The device status field (section 2.1). */
  public synchronized int status() {
    if (resetPending) {
      reset(0);
    }
    return status | (signals.failed() ? DEVICE_NEEDS_RESET : 0);
  }

  /** The selected 32 of the offered feature bits; 0 for a selector above 1. */
  public int offeredFeatures() {
    return window(offeredFeatures, selectors.deviceFeatures);
  }

  private static int window(long features, int selector) {
    return selector == 0 || selector == 1 ? (int) (features >>> (32 * selector)) : 0;
  }

  /** The driver accepts the selected 32 feature bits; ignored once FEATURES_OK is set. */
  public synchronized void acceptFeatures(int bits) {
    if ((status & FEATURES_OK) != 0) {
      return;
    }
    int selector = selectors.driverFeatures;
    if (selector == 0) {
      driverFeatures = driverFeatures & ~0xffff_ffffL | Integer.toUnsignedLong(bits);
    } else if (selector == 1) {
      driverFeatures = driverFeatures & 0xffff_ffffL | (long) bits << 32;
    } else if (bits != 0) {
      unknownFeatures = true;
    }
  }

  /** The selected 32 of the feature bits that the driver accepted; 0 for a selector above 1. */
  public synchronized int acceptedFeatures() {
    return window(driverFeatures, selectors.driverFeatures);
  }

  private boolean queueExists() {
    return selectors.queue >= 0 && selectors.queue < settings.length;
  }

  /** The settings of the selected queue, to be read only; null if there is none. */
  public QueueRegisters settings() {
    return queueExists() ? settings[selectors.queue] : null;
  }

  /** The largest size of the selected queue, 0 if there is none. */
  public int maxQueueSize() {
    return queueExists() ? maxSizes[selectors.queue] : 0;
  }

  /** The settings of the selected queue while the driver may change them, else null. */
  public synchronized QueueRegisters changeableSettings() {
    boolean phase = (status & (FEATURES_OK | DRIVER_OK)) == FEATURES_OK;
    QueueRegisters queue = settings();
    return queue != null && phase && !queue.ready ? queue : null;
  }

  /** Whether the selected queue is in use by the driver; false if there is none. */
  public synchronized boolean queueReady() {
    return queueExists() && settings().ready;
  }

  /** Takes the selected queue into use before DRIVER_OK, or out of use at any time. */
  public synchronized void setQueueReady(boolean ready) {
    if (ready) {
      QueueRegisters changeable = changeableSettings();
      if (changeable != null) {
        changeable.ready = true;
      }
    } else if (queueReady()
        && stop(selectors.queue, selectors.queue + 1, host.patienceMilliseconds())) {
      settings().ready = false;
    }
  }

  /** The driver writes the device status field; bits are never cleared but by writing 0. */
  public synchronized void writeStatus(int value) {
    if (value == 0 && !closed) {
      // The second time a driver asks, it can just as well poll for the end.
      reset(resetPending ? 0 : host.patienceMilliseconds());
      while (resetPending && !resetIsPolled && !host.stopping().getAsBoolean()) {
        reset(STEP_MILLISECONDS);
      }
    } else {
      addStatus(value);
    }
  }

  /** The same where no vCPU may be kept waiting: a reset is complete when the status reads 0. */
  public synchronized void writeStatusWithoutWaiting(int value) {
    if (value == 0 && !closed) {
      reset(0);
    } else {
      addStatus(value);
    }
  }

  private void addStatus(int value) {
    if (closed) {
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
      signals.driverReady();
      activate();
    }
  }

  private boolean featuresAcceptable(int newStatus) {
    return (newStatus & (ACKNOWLEDGE | DRIVER)) == (ACKNOWLEDGE | DRIVER)
        && !unknownFeatures
        && (driverFeatures & ~offeredFeatures) == 0
        && (driverFeatures & VirtioFeatures.VERSION_1) != 0
        && device.accepts(driverFeatures);
  }

  private void activate() {
    try {
      ActiveQueue[] active = new ActiveQueue[settings.length];
      for (int i = 0; i < settings.length; i++) {
        if (settings[i].ready) {
          active[i] = new ActiveQueue(name(i), i, rings(i), notify[i], signals);
        }
      }
      device.activate(driverFeatures);
      for (int i = 0; i < active.length; i++) {
        if (active[i] != null) {
          queues.start(i, device.serve(i, active[i], driverFeatures));
        }
      }
    } catch (GuestFault e) {
      signals.fail(e.getMessage());
    } catch (RuntimeException | OutOfMemoryError e) {
      signals.fail(e.toString());
    }
  }

  private String name() {
    return host.machine() + "/" + device.name();
  }

  private String name(int queue) {
    return name() + " queue " + queue;
  }

  private Virtqueue rings(int index) throws GuestFault {
    QueueRegisters queue = settings[index];
    return new Virtqueue(
        host.memory(),
        maxSizes[index],
        queue.size,
        queue.descriptors,
        queue.avail,
        queue.used,
        (driverFeatures & VirtioFeatures.EVENT_IDX) != 0,
        (driverFeatures & VirtioFeatures.INDIRECT_DESC) != 0);
  }

  /** Where a request hangs in the host, the reset is completed when the status is next read. */
  private void reset(long waitMilliseconds) {
    resetPending = !stop(0, settings.length, waitMilliseconds);
    if (resetPending) {
      return;
    }
    if ((status & DRIVER_OK) != 0) {
      device.reset();
    }
    for (QueueRegisters s : settings) {
      s.clear();
    }
    selectors.clear();
    driverFeatures = 0;
    unknownFeatures = false;
    status = 0;
    signals.reset();
  }

  /** Ends the services of some queues; false, and the device needs a reset, if one won't end. */
  private boolean stop(int from, int to, long waitMilliseconds) {
    boolean stopped = queues.stop(from, to, waitMilliseconds);
    if (!stopped) {
      signals.fail("a request in flight does not end");
    }
    return stopped;
  }

  /**
   * Brings the queues' services to rest and holds configuration changes back. Queues that are
   * started while paused begin at rest, and a reset is nothing special.
   */
  @Override
  public void pause() throws PauseTimeoutException {
    synchronized (pausing) {
      if (signals.silent()) {
        return;
      }
      int atWork = queues.hold(ServedQueues.PAUSED, host.patienceMilliseconds());
      if (atWork >= 0) {
        queues.release(ServedQueues.PAUSED);
        throw new PauseTimeoutException(name(atWork), host.patienceMilliseconds());
      }
      signals.silence();
    }
  }

  /**
   * Lets the services go on: each looks at its queue, since a notification may have been lost, and
   * the driver gets an interrupt for each.
   */
  @Override
  public void resume() {
    synchronized (pausing) {
      if (signals.silent()) {
        signals.speak(queues.started());
        queues.release(ServedQueues.PAUSED);
      }
    }
  }

  /**
   * Whether the device may access guest RAM and send messages, where the transport can forbid it:
   * if not, the services rest until it may. A request that hangs in the host is waited for in vain
   * after a second.
   */
  public void busMaster(boolean enabled) {
    if (enabled) {
      queues.release(ServedQueues.NOT_BUS_MASTER);
    } else {
      queues.hold(ServedQueues.NOT_BUS_MASTER, BUS_MASTER_MILLISECONDS);
    }
  }

  /** The configuration generation (section 2.5). */
  public int configGeneration() {
    return signals.generation();
  }

  /**
   * Ends the services and closes the eventfds. No vCPU may run any more.
   *
   * @throws CloseStack.StillInUse if a request hangs in the host: guest RAM must stay mapped
   */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      // A thread that hangs in the host still needs its eventfd's number not to be another file's.
      if (!stop(0, settings.length, host.patienceMilliseconds())) {
        throw new CloseStack.StillInUse(name() + ": a request does not end");
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
