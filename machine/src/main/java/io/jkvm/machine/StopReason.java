// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import java.util.Objects;

/**
 * Why a machine stopped.
 *
 * @param kind the sort of end
 * @param detail one line for a person, or several where a crash needs a report; may be empty
 */
public record StopReason(Kind kind, String detail) {
  /** Neither part may be null. */
  public StopReason {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(detail, "detail");
  }

  /** The sorts of end, each with the words for it. */
  public enum Kind {
    /** The guest reset the machine, through whichever register. */
    GUEST_RESET("guest reset", Outcome.CLEAN),
    /** The guest powered the machine off. */
    GUEST_POWER_OFF("guest power-off", Outcome.CLEAN),
    /** The guest said that it halts, then did. */
    GUEST_HALT("guest halt", Outcome.CLEAN),
    /** {@link Machine#stop} was called. */
    REQUESTED("stopped on request", Outcome.CLEAN),
    /** The guest's kernel panicked, then reset. */
    GUEST_PANIC("guest kernel panic", Outcome.GUEST_CRASHED),
    /** Every vCPU is in HLT with interrupts off, and the guest has not said that it halts. */
    GUEST_DEAD("guest dead", Outcome.GUEST_CRASHED),
    /** A processor shut down after three faults in a row. */
    TRIPLE_FAULT("guest triple fault", Outcome.GUEST_CRASHED),
    /** KVM can't run an instruction of the guest's. */
    EMULATION_FAILURE("instruction KVM can't emulate", Outcome.GUEST_CRASHED),
    /** A vCPU can't go on, or a device threw an exception at it. */
    VCPU_FAILURE("vCPU failure", Outcome.GUEST_CRASHED),
    /** The host failed the machine: memory, output, a lost descriptor. */
    HOST_FAILURE("host failure", Outcome.HOST_FAILED),
    /** A signal to the process ended the machine. */
    HOST_SIGNAL("signal", Outcome.SIGNALLED),
    /** A time limit ended the machine. */
    TIMEOUT("timeout", Outcome.TIMED_OUT);

    private final String words;
    private final Outcome outcome;

    Kind(String words, Outcome outcome) {
      this.words = words;
      this.outcome = outcome;
    }

    /** What it means to whoever started the machine. */
    public Outcome outcome() {
      return outcome;
    }
  }

  /**
   * The same as the lower floors say it; they know what a vCPU and a register can do to a guest.
   */
  static StopReason of(io.jkvm.core.lifecycle.StopReason reason) {
    return new StopReason(Kind.valueOf(reason.kind().name()), reason.detail());
  }

  /** For the latch that decides. */
  io.jkvm.core.lifecycle.StopReason toCore() {
    return new io.jkvm.core.lifecycle.StopReason(
        io.jkvm.core.lifecycle.StopReason.Kind.valueOf(kind.name()), detail);
  }

  /** What an end means to whoever started the machine. */
  public enum Outcome {
    /** The guest ended as it wanted, or was stopped on request. */
    CLEAN,
    /** The guest can't go on. */
    GUEST_CRASHED,
    /** The host can't go on with the machine. */
    HOST_FAILED,
    /** A signal to the process ended it. */
    SIGNALLED,
    /** A time limit ended it. */
    TIMED_OUT
  }

  @Override
  public String toString() {
    return detail.isEmpty() ? kind.words : kind.words + ": " + detail;
  }
}
