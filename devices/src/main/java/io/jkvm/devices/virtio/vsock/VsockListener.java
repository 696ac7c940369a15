// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

/** A port of the host's to which the guest can connect, until it is closed. For any thread. */
public final class VsockListener implements AutoCloseable {
  private final ConnectionTable table;
  private final int port;
  private final VsockHost host;

  VsockListener(ConnectionTable table, int port, VsockHost host) {
    this.table = table;
    this.port = port;
    this.host = host;
  }

  /** The host's port, unsigned 32 bits. */
  public int port() {
    return port;
  }

  VsockHost host() {
    return host;
  }

  /** Refuses further connections and frees the port; those that exist stay. */
  @Override
  public void close() {
    table.remove(this);
  }
}
