// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

/** Why a connection is over. */
public enum VsockEnd {
  /** The guest does not listen at that port, or has no room for a connection. */
  REFUSED,

  /** The guest closed it: it neither sends nor receives any more. */
  CLOSED_BY_GUEST,

  /** The guest broke it off; bytes on their way to the guest may be lost. */
  RESET_BY_GUEST,

  /** The host closed it or broke it off. */
  CLOSED_BY_HOST,

  /** The guest broke a rule of the protocol, so the device broke the connection off. */
  PROTOCOL_ERROR,

  /** The {@link VsockPeer} threw an exception, so the device broke the connection off. */
  PEER_FAILED,

  /** The guest has no driver, or reset it. */
  NO_DRIVER,

  /** {@link VirtioVsock#transportReset} was called. */
  TRANSPORT_RESET,

  /** There are {@value VirtioVsock#MAX_CONNECTIONS} connections. */
  TOO_MANY
}
