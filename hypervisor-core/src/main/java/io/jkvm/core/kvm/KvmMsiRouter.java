// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import io.jkvm.core.irq.MsiVector;
import io.jkvm.core.irq.MsiVectors;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.LoggerFactory;

/**
 * Message-signalled interrupts as irqfds: each vector has a global system interrupt of its own,
 * above the interrupt controllers' inputs, which KVM's routing table turns into the message. A
 * signal is one write to an eventfd; the table changes only when a message does.
 *
 * <p>The lock is taken last, whatever locks a device holds, and never by a signal.
 */
public final class KvmMsiRouter implements MsiVectors, AutoCloseable {
  /** A limit of our own, below KVM's 4096 routes. */
  public static final int MAX_VECTORS = 2048;

  /** 0xFEE in bits 31 to 20, nothing above (Intel SDM vol. 3, section 11.11.1). */
  private static final long LOCAL_APIC_PREFIX = 0xFEE;

  private final KvmVm vm;
  private final List<Vector> vectors = new ArrayList<>();
  private GsiRouting routing = new GsiRouting(16);
  private boolean closed;

  KvmMsiRouter(KvmVm vm) {
    this.vm = vm;
  }

  @Override
  public synchronized MsiVector allocate() throws LinuxException {
    if (closed || vectors.size() == MAX_VECTORS) {
      throw new IllegalStateException(
          "this machine has its " + MAX_VECTORS + " MSI vectors; use fewer devices");
    }
    EventFd eventFd = new EventFd();
    try {
      int gsi = KvmVm.IO_APIC_INPUTS + vectors.size();
      vm.irqfd(eventFd, gsi);
      Vector vector = new Vector(gsi, eventFd);
      vectors.add(vector);
      if (routing.capacity() < vectors.size()) {
        // Grown here, so that what a guest does later allocates nothing outside the heap.
        routing = new GsiRouting(2 * vectors.size());
      }
      return vector;
    } catch (LinuxException e) {
      eventFd.close();
      throw e;
    }
  }

  private synchronized void update(Vector vector, long address, int data) {
    boolean routed = address >>> 20 == LOCAL_APIC_PREFIX;
    if (closed
        || routed == vector.routed
            && (!routed || address == vector.address && data == vector.data)) {
      return;
    }
    vector.routed = routed;
    vector.address = address;
    vector.data = data;
    if (!routed) {
      vector.sendable = false;
    }
    routing.clear();
    for (Vector v : vectors) {
      if (v.routed) {
        routing.addMessage(v.gsi, v.address, v.data);
      }
    }
    try {
      vm.setGsiRouting(routing);
      vector.sendable = routed;
    } catch (LinuxException e) {
      vector.routed = false;
      vector.sendable = false;
      LoggerFactory.getLogger(KvmMsiRouter.class)
          .debug("MSI to 0x{} is not delivered", Long.toHexString(address), e);
    }
  }

  /** Closes the eventfds, which also ends their irqfds. No device may signal any more. */
  @Override
  public synchronized void close() {
    closed = true;
    vectors.forEach(vector -> vector.eventFd.close());
  }

  private final class Vector implements MsiVector {
    final int gsi;
    final EventFd eventFd;
    boolean routed;
    volatile boolean sendable;
    long address;
    int data;

    Vector(int gsi, EventFd eventFd) {
      this.gsi = gsi;
      this.eventFd = eventFd;
    }

    @Override
    public void setMessage(long newAddress, int newData) {
      update(this, newAddress, newData);
    }

    @Override
    public void signal() {
      // KVM looks up an unrouted signal's message later, when there may be one: a stray interrupt.
      if (sendable) {
        eventFd.signal();
      }
    }
  }
}
