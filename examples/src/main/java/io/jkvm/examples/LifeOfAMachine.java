// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import io.jkvm.machine.Machine;
import io.jkvm.machine.MachineListener;
import io.jkvm.machine.MachineState;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.report.Note;
import io.jkvm.machine.spec.MachineSpec;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Collects what happens to a machine; called by several threads. */
public final class LifeOfAMachine implements MachineListener {
  private final List<String> events = new CopyOnWriteArrayList<>();

  /** What has happened so far. */
  public List<String> events() {
    return events;
  }

  @Override
  public void note(MachineSpec spec, Note note) {
    events.add(spec.name() + ": " + note.facts());
  }

  @Override
  public void stateChanged(Machine machine, MachineState state) {
    events.add(machine.name() + " is " + state);
  }

  @Override
  public void stopped(Machine machine, StopReason reason) {
    events.add(machine.name() + " ended: " + reason.kind());
  }
}
