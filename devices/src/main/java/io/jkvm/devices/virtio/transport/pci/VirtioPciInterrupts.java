// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.pci;

import io.jkvm.core.irq.IrqLine;
import io.jkvm.devices.pci.Msix;
import io.jkvm.devices.virtio.transport.VirtioFunction;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * How a virtio-pci device notifies its driver (virtio 1.2, section 4.1.4.5 and 4.1.5.1.2): by the
 * MSI-X vectors that the driver chose, or without MSI-X by the ISR status and INTx.
 *
 * <p>The queues' threads call it, so it never waits; the one lock is for INTx and is taken last but
 * for the wire's own.
 */
final class VirtioPciInterrupts implements VirtioFunction.Interrupts {
  /** VIRTIO_MSI_NO_VECTOR. */
  static final int NO_VECTOR = 0xffff;

  private static final int ISR_QUEUE = 1;
  private static final int ISR_CONFIG = 2;

  private final Msix msix;
  private final IrqLine intx;
  private final AtomicIntegerArray queueVectors;
  private final AtomicInteger isr = new AtomicInteger();
  private volatile int configVector = NO_VECTOR;
  private volatile boolean intxDisabled;

  VirtioPciInterrupts(Msix msix, int queueCount, IrqLine intx) {
    this.msix = msix;
    this.intx = intx;
    queueVectors = new AtomicIntegerArray(queueCount);
    forgetVectors();
  }

  int configVector() {
    return configVector;
  }

  /** The driver chooses; a vector that does not exist becomes {@link #NO_VECTOR}. */
  void configVector(int vector) {
    configVector = existing(vector);
  }

  /** The vector of a queue, {@link #NO_VECTOR} if the queue does not exist either. */
  int queueVector(int queue) {
    return exists(queue) ? queueVectors.get(queue) : NO_VECTOR;
  }

  void queueVector(int queue, int vector) {
    if (exists(queue)) {
      queueVectors.set(queue, existing(vector));
    }
  }

  private boolean exists(int queue) {
    return queue >= 0 && queue < queueVectors.length();
  }

  private int existing(int vector) {
    return vector >= 0 && vector < msix.count() ? vector : NO_VECTOR;
  }

  private void forgetVectors() {
    configVector = NO_VECTOR;
    for (int i = 0; i < queueVectors.length(); i++) {
      queueVectors.set(i, NO_VECTOR);
    }
  }

  @Override
  public void queueUsed(int queue) {
    if (msix.enabled()) {
      send(queueVectors.get(queue));
    } else {
      raise(ISR_QUEUE);
    }
  }

  @Override
  public void configChanged() {
    if (msix.enabled()) {
      send(configVector);
    } else {
      raise(ISR_CONFIG);
    }
  }

  private void send(int vector) {
    if (vector != NO_VECTOR) {
      msix.signal(vector);
    }
  }

  private void raise(int bit) {
    isr.getAndAccumulate(bit, (status, added) -> status | added);
    updateIntx();
  }

  /** Whether an interrupt waits for the driver to read the ISR status. */
  boolean pending() {
    return isr.get() != 0;
  }

  /** The driver reads the ISR status, which acknowledges (section 4.1.4.5). */
  int readIsr() {
    int status = isr.getAndSet(0);
    updateIntx();
    return status;
  }

  @Override
  public void clear() {
    forgetVectors();
    readIsr();
  }

  /** The driver changed what configuration space says about interrupts. */
  void configSpaceWritten(boolean newIntxDisabled) {
    intxDisabled = newIntxDisabled;
    updateIntx();
  }

  private void updateIntx() {
    synchronized (isr) {
      intx.setLevel(isr.get() != 0 && !intxDisabled && !msix.enabled());
    }
  }
}
