// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import io.jkvm.core.lifecycle.LogLimit;

/** Who decides on connections that the guest makes to a port of the host's. */
@FunctionalInterface
public interface VsockHost {
  /**
   * The guest wants a connection. It opens after the return; to offer bytes before does nothing.
   * Called by one thread at a time and without a lock of the device's. It must return soon: all
   * that the guest sends waits for it, and so does a pause or a reset of the device. An exception
   * refuses the connection.
   *
   * @param connection to the guest's port {@link VsockConnection#guestPort}
   * @return what the host has at its end; null refuses the connection
   */
  VsockPeer accept(VsockConnection connection);

  /**
   * The same, asked only about connections from the guest's ports below 1024, which in Linux are
   * root's (CAP_NET_BIND_SERVICE); the first of others is logged, and all of them are refused.
   */
  default VsockHost forPrivilegedPorts() {
    LogLimit warnings = new LogLimit(VsockHost.class, 1);
    return connection -> {
      if (Integer.compareUnsigned(connection.guestPort(), 1024) < 0) {
        return accept(connection);
      }
      String port = Integer.toUnsignedString(connection.guestPort());
      warnings.warn(
          "a connection from the guest's port " + port,
          "refused: only the guest's root may make it, from a port below 1024");
      return null;
    };
  }
}
