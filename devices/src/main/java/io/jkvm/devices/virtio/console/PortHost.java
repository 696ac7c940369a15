// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import java.nio.ByteBuffer;

/**
 * What the host has at one port: it takes the guest's bytes and hears of the guest's end. It is not
 * called before its device is made, by one thread at a time for each method, and without a lock of
 * the port's, so it may call the {@link ConsolePort}.
 */
@FunctionalInterface
public interface PortHost {
  /** The port exists; called once, before all else, by whoever makes the device. */
  default void attach(ConsolePort port) {}

  /**
   * Takes bytes of the guest: as many as there is room for, from the front, at once. The rest stays
   * with the guest, which is held back; {@link ConsolePort#roomInHost} has to be called then when
   * there is room.
   *
   * <p>It must not wait: a pause or a reset of the device waits for it. An exception loses the
   * bytes and nothing else.
   *
   * @param bytes 1 to 4096 from its position to its limit; to be taken by moving the position, as
   *     {@code get} and {@code WritableByteChannel.write} do; of no use after the return
   */
  void accept(ByteBuffer bytes);

  /**
   * The guest opened its end of the port, or closed it, or is gone with a reset. Without {@link
   * VirtioConsole#F_MULTIPORT} the driver does not say, and its end counts as open while it runs.
   *
   * <p>Output and this come through two queues with a thread each: an end that is closed may be
   * heard of before the last bytes. {@link ConsolePort#afterOutput} waits for those.
   *
   * <p>It must return soon, and not wait for the machine: a vCPU waits for it.
   */
  default void guestOpen(boolean open) {}
}
