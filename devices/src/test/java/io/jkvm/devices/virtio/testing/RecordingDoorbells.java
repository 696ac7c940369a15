// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import io.jkvm.core.bus.Doorbell;
import io.jkvm.core.bus.Doorbells;
import io.jkvm.core.linux.EventFd;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Remembers what is attached where, and objects to what KVM would refuse. */
public final class RecordingDoorbells implements Doorbells {
  public final Map<Doorbell, EventFd> attached = new ConcurrentHashMap<>();
  private volatile boolean refusing;

  /** From now on there is no room for more. */
  public void refuse() {
    refusing = true;
  }

  /** Rings as a guest's write that KVM takes would. */
  public void ring(Doorbell doorbell) {
    attached.get(doorbell).signal();
  }

  @Override
  public boolean attach(EventFd eventFd, Doorbell doorbell) {
    return !refusing && attached.putIfAbsent(doorbell, eventFd) == null;
  }

  @Override
  public void detach(EventFd eventFd, Doorbell doorbell) {
    if (!attached.remove(doorbell, eventFd)) {
      throw new AssertionError("not attached: " + doorbell);
    }
  }
}
