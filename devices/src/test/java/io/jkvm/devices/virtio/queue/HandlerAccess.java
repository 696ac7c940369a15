// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.devices.virtio.VirtioDevice;

/** Gets at what a device does with a request, to call it on the test's own thread. */
public final class HandlerAccess {
  private HandlerAccess() {}

  /** The handler of a queue that a device serves by a thread, which is not started. */
  public static RequestHandler of(
      VirtioDevice device, int queue, Virtqueue rings, long negotiated) {
    ActiveQueue active = new ActiveQueue("test", queue, rings, null, null);
    return of(device.serve(queue, active, negotiated));
  }

  public static RequestHandler of(QueueService service) {
    return ((SequentialService) service).handler();
  }
}
