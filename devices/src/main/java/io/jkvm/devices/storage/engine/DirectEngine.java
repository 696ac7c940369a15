// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.linux.EventFd;
import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.storage.engine.DiskRequest.Operation;
import java.io.IOException;

/** Carries each request out on the thread that submits it, one after the other. */
final class DirectEngine implements DiskEngine {
  private final BlockBackend backend;
  private final Flushes flushes;
  private final RequestSlots slots = RequestSlots.single();

  DirectEngine(BlockBackend backend, Flushes flushes) {
    this.backend = backend;
    this.flushes = flushes;
  }

  @Override
  public DiskEngines.Kind kind() {
    return DiskEngines.Kind.CALLS;
  }

  @Override
  public int capacity() {
    return slots.capacity();
  }

  @Override
  public void attach(EventFd wakeup) {}

  @Override
  public void detach() {}

  @Override
  public DiskRequest acquire() {
    return slots.acquire();
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
    if (request.operation() == Operation.FLUSH) {
      flushes.carryOut(request);
    } else {
      request.carryOut(backend);
    }
    return true;
  }

  @Override
  public void start() {}

  @Override
  public DiskRequest complete() {
    return null;
  }

  @Override
  public boolean hasCompleted() {
    return false;
  }

  @Override
  public boolean mayNotSleep() {
    return false;
  }

  @Override
  public void awake() {}

  @Override
  public void flush() throws IOException {
    flushes.flushNow();
  }

  @Override
  public void dropUnstarted() {}

  @Override
  public void close() {}
}
