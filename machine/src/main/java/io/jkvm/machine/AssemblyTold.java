// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.machine.assembly.AssemblyEvents;
import io.jkvm.machine.report.Note;
import io.jkvm.machine.spec.MachineSpec;

/** Passes on to the listeners what the assembler and the vCPUs tell. */
final class AssemblyTold implements AssemblyEvents {
  private final MachineSpec spec;
  private final Listeners listeners;

  AssemblyTold(MachineSpec spec, Listeners listeners) {
    this.spec = spec;
    this.listeners = listeners;
  }

  @Override
  public void progress(String step) {
    listeners.happened(listener -> listener.progress(spec, step));
    listeners.tell();
  }

  @Override
  public void note(Note note) {
    listeners.happened(listener -> listener.note(spec, note));
    listeners.tell();
  }
}
