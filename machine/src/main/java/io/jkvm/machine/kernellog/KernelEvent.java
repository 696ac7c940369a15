// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import java.util.Objects;
import java.util.Optional;

/**
 * Something that a kernel reported.
 *
 * @param kind what it is
 * @param title its main line without time stamp, at most 200 characters
 * @param text the whole report, a line each without time stamps: at most 200 lines and 32 KiB of
 *     the guest's bytes, and a last line that tells how many are missing. Control characters are
 *     replaced by '?', what is not UTF-8 by U+FFFD
 * @param line the line of the log where it begins, from 1
 * @param offset the byte of the log where that line begins, from 0
 * @param fingerprint equal for reports of the same kind with the same title but for its numbers (a
 *     source line counts), the same place and the same first five functions of the call trace; 16
 *     hexadecimal digits
 * @param count how often it was reported, from 1
 * @param taint the letters of the kernel's taint as the report prints them, without G; empty if
 *     there were none or none were printed
 * @param victim whom the OOM killer killed
 */
public record KernelEvent(
    KernelEventKind kind,
    String title,
    String text,
    long line,
    long offset,
    String fingerprint,
    long count,
    String taint,
    Optional<Victim> victim) {

  /** All must be there. */
  public KernelEvent {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(fingerprint, "fingerprint");
    Objects.requireNonNull(taint, "taint");
    Objects.requireNonNull(victim, "victim");
  }

  /**
   * A process that the OOM killer killed.
   *
   * @param pid its process id as the guest's first PID name space has it, from 1
   * @param name the name of its task, at most 15 bytes that the guest chose; empty if it can't be
   *     read
   */
  public record Victim(int pid, String name) {}

  KernelEvent withCount(long times) {
    return new KernelEvent(kind, title, text, line, offset, fingerprint, times, taint, victim);
  }
}
