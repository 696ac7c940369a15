// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import java.nio.ByteBuffer;

/**
 * What the host has at its end of a connection. It is called by one thread at a time, not always
 * the same one, and without a lock of the device's, so it may call the {@link VsockConnection}. The
 * threads are the device's, a vCPU's that resets the driver, and those of the host that call the
 * connection, from within these calls.
 *
 * <p>What it hears is in order: {@link #connected}, bytes, {@link #guestShutdown}, and as the last
 * {@link #closed}. It must not wait in any of these calls: what the guest sends on all connections
 * waits for it, and so does a pause or a reset of the device. An exception breaks the connection
 * off.
 */
@FunctionalInterface
public interface VsockPeer {
  /** The connection is open, and {@link VsockConnection#offer} may take bytes. */
  default void connected() {}

  /**
   * Takes bytes of the guest: as many as there is room for, from the front, at once. The rest stays
   * in the connection's buffer, and the guest is held back once that is full; {@link
   * VsockConnection#roomInHost} has to be called when there is room.
   *
   * @param bytes 1 or more from its position to its limit; to be taken by moving the position, as
   *     {@code get} and {@code WritableByteChannel.write} do; of no use after the return
   */
  void accept(ByteBuffer bytes);

  /**
   * The guest shut down one direction or both; called at most twice, after all bytes that it sent
   * before.
   *
   * @param sends whether the guest may send more bytes: if not, this is the end of its stream
   * @param receives whether the guest takes more bytes
   */
  default void guestShutdown(boolean sends, boolean receives) {}

  /**
   * The connection is over. Called once for each connection, unless the machine ends first. Where
   * the guest ended it, all bytes that it sent have been taken before; where the host did, the rest
   * is dropped.
   */
  default void closed(VsockEnd why) {}
}
