// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.rng;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.RandomBytes;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.queue.DescriptorChain;

/** An entropy device (virtio 1.2, section 5.4): the host kernel's getrandom(2), nothing else. */
public final class VirtioRng implements VirtioDevice {
  /** The most that one request gets, so that a huge buffer does not keep the thread busy. */
  public static final int MAX_REQUEST_BYTES = 64 << 10;

  private static final int DEVICE_ID = 4;
  private static final int QUEUE_SIZE = 64;

  @Override
  public int deviceId() {
    return DEVICE_ID;
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
  public int queueCount() {
    return 1;
  }

  @Override
  public int maxQueueSize(int queue) {
    return QUEUE_SIZE;
  }

  @Override
  public long readConfig(long offset, int size) {
    return 0;
  }

  @Override
  public void writeConfig(long offset, int size, long value) {}

  @Override
  public void activate(long features) {}

  @Override
  public void reset() {}

  @Override
  public long process(int queue, DescriptorChain request) throws GuestFault, LinuxException {
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
