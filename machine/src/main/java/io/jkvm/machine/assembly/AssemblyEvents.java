// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.machine.report.Note;

/** What whoever has a machine assembled is told. */
public interface AssemblyEvents {
  /** A step is done. */
  void progress(String step);

  /** Something that the machine's user should know. */
  void note(Note note);
}
