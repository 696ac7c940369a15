// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

/**
 * Hears of events while a log is read, on the thread that reads it. What it throws comes out of
 * {@link KernelLog#accept(byte[], int, int)}, so it should throw nothing.
 */
public interface KernelLogListener {
  /**
   * An event begins: its kind, title and place are known, text and fingerprint are still empty.
   * Called for each, repetitions and those beyond what is kept included, so that a run can be ended
   * without waiting for the rest of the report.
   *
   * @param event what is known so far
   */
  default void event(KernelEvent event) {}

  /**
   * The same event with its text. The end of most reports shows only in the line that comes next,
   * so this may be as late as {@link KernelLog#finish()}.
   *
   * @param event with {@link KernelEvent#count()} above 1 if the same was reported before; the text
   *     is then that of the first
   */
  default void complete(KernelEvent event) {}
}
