// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

/** What a kernel reports about itself, by the words that Linux 5.10 to 6.19 print. */
public enum KernelEventKind {
  /** "Kernel panic - not syncing", for a reason that has no kind of its own. */
  PANIC,
  /** The panic of a kernel that found no root file system. */
  ROOT_MISSING,
  /** The panic of a kernel that found no program to run as the first process. */
  NO_INIT,
  /** A fault in the kernel that ended a task: page fault, general protection, divide error... */
  OOPS,
  /** "kernel BUG at": a BUG() was hit. It ends a task as an oops does. */
  KERNEL_BUG,
  /** "BUG:" of another kind, after which the kernel goes on: sleeping while atomic, bad page... */
  BUG,
  /** A WARN() of the kernel. */
  WARNING,
  /** A CPU did not schedule for long, or a spinlock was waited for that long. */
  SOFT_LOCKUP,
  /** A CPU took no interrupts for long. */
  HARD_LOCKUP,
  /** A pool of workers made no progress for long. */
  WORKQUEUE_LOCKUP,
  /** RCU waited too long for a CPU or a task. */
  RCU_STALL,
  /** A task was blocked for too long. */
  HUNG_TASK,
  /** The OOM killer was at work; the event tells its victim. */
  OOM_KILL,
  /** The lock validator's reports, wrong use of RCU included. */
  LOCKDEP,
  /**
   * Memory that nothing points to. A single scan may be wrong: what is still reported by a second
   * one is a leak.
   */
  KMEMLEAK,
  /** KASAN, KCSAN, KFENCE, KMSAN or UBSAN; the title says which. */
  SANITIZER,
  /** The kernel's first line came again: the guest was reset and booted once more. */
  SECOND_BOOT
}
