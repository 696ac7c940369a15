// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.report;

/**
 * Something that whoever starts a machine should know, though it starts.
 *
 * @param kind what it is, to decide by
 * @param facts one line for a person
 */
public record Note(Kind kind, String facts) {
  /** What can be worth a note. */
  public enum Kind {
    /** The host has no VT-x or AMD-V: KVM interprets the guest's kernel. */
    INTERPRETED_KERNEL,
    /** SYSCALL does not reach the kernel on this host's KVM. */
    SYSCALL_BROKEN,
    /** What the host's KVM can run could not be found out. */
    PROBE_FAILED,
    /** A processor feature was asked for that KVM does not have. */
    UNSUPPORTED_FEATURE,
    /** The kernel is entered in another way than asked for. */
    OTHER_BOOT_WAY
  }
}
