// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

/**
 * Why a VM stopped.
 *
 * @param kind the sort of end
 * @param detail one line for a person, or several where a crash needs a report; may be empty
 */
public record StopReason(Kind kind, String detail) {

  /** The sorts of end, each with the words for it. */
  public enum Kind {
    GUEST_RESET("guest reset", Outcome.CLEAN),
    GUEST_POWER_OFF("guest power-off", Outcome.CLEAN),
    GUEST_HALT("guest halt", Outcome.CLEAN),
    REQUESTED("stopped on request", Outcome.CLEAN),
    GUEST_PANIC("guest kernel panic", Outcome.GUEST_CRASHED),
    GUEST_DEAD("guest dead", Outcome.GUEST_CRASHED),
    TRIPLE_FAULT("guest triple fault", Outcome.GUEST_CRASHED),
    EMULATION_FAILURE("instruction KVM can't emulate", Outcome.GUEST_CRASHED),
    VCPU_FAILURE("vCPU failure", Outcome.GUEST_CRASHED),
    HOST_FAILURE("host failure", Outcome.HOST_FAILED),
    HOST_SIGNAL("signal", Outcome.SIGNALLED),
    TIMEOUT("timeout", Outcome.TIMED_OUT);

    private final String words;
    private final Outcome outcome;

    Kind(String words, Outcome outcome) {
      this.words = words;
      this.outcome = outcome;
    }

    public Outcome outcome() {
      return outcome;
    }
  }

  /** What an end means to whoever started the VM. */
  public enum Outcome {
    CLEAN,
    GUEST_CRASHED,
    HOST_FAILED,
    SIGNALLED,
    TIMED_OUT
  }

  @Override
  public String toString() {
    return detail.isEmpty() ? kind.words : kind.words + ": " + detail;
  }
}
