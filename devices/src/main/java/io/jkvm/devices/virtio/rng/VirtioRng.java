// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.rng;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.RandomBytes;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.SequentialService;

/** An entropy device (virtio 1.2, section 5.4): the host kernel's getrandom(2), nothing else. */
public final class VirtioRng implements VirtioDevice {
  /** The most that one request gets, so that a huge buffer does not keep the thread busy. */
  public static final int MAX_REQUEST_BYTES = 64 << 10;

  private static final int QUEUE_SIZE = 64;

  @Override
  public VirtioType type() {
    return VirtioType.ENTROPY;
  }

  @Override
  public String name() {
    return "virtio-rng";
  }

  @Override
  public long features() {
    return 0;
  }

  @Override
  public int[] queueSizes() {
    return new int[] {QUEUE_SIZE};
  }

  @Override
  public QueueService serve(int queue, ActiveQueue rings, long negotiated) {
    return new SequentialService(rings, VirtioRng::process);
  }

  private static long process(DescriptorChain request) throws GuestFault, LinuxException {
    if (request.writableBytes() == 0 || request.readableBytes() != 0) {
      throw new GuestFault("entropy request with buffers that the device can't write");
    }
    long total = 0;
    for (int i = 0; i < request.count() && total < MAX_REQUEST_BYTES; i++) {
      long length = Math.min(request.length(i), MAX_REQUEST_BYTES - total);
      RandomBytes.fill(request.hostAddress(i), length);
      total += length;
    }
    return total;
  }
}
