// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.memory.GuestFault;
import java.io.IOException;

/** What a device does with one request. Belongs to one queue and is called by one thread. */
@FunctionalInterface
public interface RequestHandler {
  /**
   * The request can't be finished now, for want of something that comes from the host: room, or
   * data. It stays the next one, and {@link #process} is called with it again and again, at the
   * latest after {@link SequentialService#tryAgain}. Meanwhile its thread waits, and can be paused
   * and stopped; after a stop there is no other call.
   */
  long PUT_OFF = -1;

  /**
   * Serves a request from beginning to end, or as much of it as can be done now.
   *
   * @return how many bytes were written, counted from the first device-writable byte; or {@link
   *     #PUT_OFF}
   * @throws GuestFault if the request is too broken to be answered; the device needs a reset then
   * @throws IOException if the host can't do what the device promises, with the same effect
   */
  long process(DescriptorChain request) throws GuestFault, IOException;
}
