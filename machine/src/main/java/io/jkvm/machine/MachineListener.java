// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.machine.report.Note;

/**
 * Is told what happens to a machine. Called by whichever thread makes it happen, so it must not
 * wait for the machine; an exception is logged and changes nothing.
 */
public interface MachineListener {
  /** A step of making the machine is done: "kernel is loaded". */
  default void progress(Machine machine, String step) {}

  /** Something that its user should know. */
  default void note(Machine machine, Note note) {}

  /** The machine has a new state. */
  default void stateChanged(Machine machine, MachineState state) {}

  /** The machine has ended; comes before the state {@link MachineState#STOPPED}. */
  default void stopped(Machine machine, StopReason reason) {}
}
