// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport;

import io.jkvm.core.bus.Doorbells;
import io.jkvm.core.memory.GuestMemory;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * What a machine gives each of its virtio devices, whatever carries it.
 *
 * @param machine its name, which the names of the queues' threads begin with
 * @param memory the guest's RAM, where the rings and buffers are
 * @param doorbells take notifications without an exit where the host can
 * @param stopping whether the machine is asked to stop: no vCPU must be kept waiting any more
 * @param hostFailure ends the machine, which can't go on since this process is in trouble, such as
 *     without memory; takes what is to be said of it, never blocks
 * @param patienceMilliseconds how long a reset, a pause or a close waits for a request in flight
 */
public record VirtioHost(
    String machine,
    GuestMemory memory,
    Doorbells doorbells,
    BooleanSupplier stopping,
    Consumer<String> hostFailure,
    int patienceMilliseconds) {
  private static final int PATIENCE_MILLISECONDS = 10_000;

  /** A host with the usual patience. */
  public VirtioHost(
      String machine,
      GuestMemory memory,
      Doorbells doorbells,
      BooleanSupplier stopping,
      Consumer<String> hostFailure) {
    this(machine, memory, doorbells, stopping, hostFailure, PATIENCE_MILLISECONDS);
  }
}
