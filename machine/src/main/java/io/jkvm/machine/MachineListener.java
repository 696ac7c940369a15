// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.machine.report.Note;
import io.jkvm.machine.spec.MachineSpec;

/**
 * Is told what happens to a machine, one thing after the other. Called by a thread that makes
 * things happen, perhaps a vCPU's, so it must not wait for the guest; {@link Machine#stop} and
 * {@link Machine#close} may be called. What it throws is logged and changes nothing.
 */
public interface MachineListener {
  /** A step of making a machine is done, which is not an object yet: "kernel is loaded". */
  default void progress(MachineSpec spec, String step) {}

  /** Something that whoever makes the machine should know. */
  default void note(MachineSpec spec, Note note) {}

  /** The machine has a new state. */
  default void stateChanged(Machine machine, MachineState state) {}

  /**
   * The machine has ended; comes before the state {@link MachineState#STOPPED}, perhaps a moment
   * after {@link Machine#awaitStop} has returned.
   */
  default void stopped(Machine machine, StopReason reason) {}
}
