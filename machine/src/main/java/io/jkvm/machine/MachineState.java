// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

/** Where a machine is in its life; it only ever goes down this list, but for a pause. */
public enum MachineState {
  /** Everything is open and loaded, no guest code has run. */
  CREATED,
  /** vCPUs run guest code. */
  RUNNING,
  /** The guest stands still, with nothing in flight; {@link Machine#resume} lets it go on. */
  PAUSED,
  /** There is a {@link StopReason}; no guest code runs, or it is about to end. */
  STOPPED,
  /** Everything is given back to the host. */
  CLOSED
}
