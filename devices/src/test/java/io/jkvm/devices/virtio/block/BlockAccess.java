// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.Virtqueue;

/** Has requests of a block device carried out on the test's own thread. */
public final class BlockAccess {
  private final DiskEngine engine;
  private final Virtqueue rings;
  private final BlockQueue requests;

  public BlockAccess(VirtioBlock device, Virtqueue rings, long negotiated) {
    this.rings = rings;
    engine = DiskEngines.calls(device.backend());
    RateLimit.Turn turn = new RateLimit(0, 0).turn(() -> {});
    BlockConfig config = (BlockConfig) device.config();
    requests = new BlockQueue(device, engine, config, rings, turn, negotiated);
  }

  /** Carries out a request that was polled, and answers it. */
  public void process(DescriptorChain chain) throws GuestFault {
    if (requests.begin(chain, engine.acquire()) != 1 || engine.inFlight() != 0) {
      throw new IllegalStateException("not answered");
    }
    rings.needsInterrupt();
  }
}
