// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.memory.GuestFault;
import java.io.IOException;

/** What a device does with one request. Belongs to one queue and is called by one thread. */
@FunctionalInterface
public interface RequestHandler {
  /**
   * Serves a request from beginning to end.
   *
   * @return how many bytes were written, counted from the first device-writable byte
   * @throws GuestFault if the request is too broken to be answered; the device needs a reset then
   * @throws IOException if the host can't do what the device promises, with the same effect
   */
  long process(DescriptorChain request) throws GuestFault, IOException;
}
