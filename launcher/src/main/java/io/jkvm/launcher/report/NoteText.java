// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.report;

import io.jkvm.machine.report.Note;

/** What the user of the command reads for a note, with what follows from it for him. */
public final class NoteText {
  private NoteText() {}

  /** One line. */
  public static String of(Note note) {
    return switch (note.kind()) {
      case INTERPRETED_KERNEL ->
          note.facts()
              + ": slowly, and with the parameters on its command line that it needs there";
      case SYSCALL_BROKEN ->
          note.facts()
              + ": a stock kernel can't run 64-bit programs here, one with the patch in"
              + " guest-images/kernel can";
      case PROBE_FAILED, OTHER_BOOT_WAY -> note.facts();
    };
  }
}
