// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

/** What carries the bytes of the program that runs commands in the guest. */
public enum AgentTransport {
  /** A port of a virtio-console device: the quicker one for much output. */
  CONSOLE_PORT,
  /** A stream socket of a virtio-vsock device, for kernels that have no virtio-console. */
  VSOCK
}
