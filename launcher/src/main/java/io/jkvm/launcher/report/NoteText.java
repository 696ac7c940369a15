// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.report;

import io.jkvm.machine.report.Note;

/** What the user of the command reads for a note, with what follows from it for him. */
public final class NoteText {
  private NoteText() {}

  /** True for what matters only to those who want to know more, with {@code --verbose}. */
  public static boolean isDetail(Note note) {
    return note.kind() == Note.Kind.SYSCALL_BROKEN;
  }

  /** One line. */
  public static String of(Note note) {
    return switch (note.kind()) {
      case INTERPRETED_KERNEL -> note.facts() + ", which is slow";
      case SYSCALL_BROKEN ->
          note.facts()
              + ": a stock kernel can't run 64-bit programs here, one with the patch in"
              + " guest-images/kernel can";
      case UNSUPPORTED_FEATURE ->
          note.facts() + ", which --cpuid shows: what the guest does with it may fail";
      case PROBE_FAILED, OTHER_BOOT_WAY -> note.facts();
    };
  }
}
