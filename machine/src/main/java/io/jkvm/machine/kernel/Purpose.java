// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

/** What a kernel is booted for; each needs more of it. */
public enum Purpose {
  /** To run a command from an initramfs, with its streams and its exit status. */
  COMMAND,
  /** To run a command on a terminal. */
  TERMINAL,
  /** A root file system from a disk image that is never written. */
  ROOT_IMAGE,
  /** Disks, whatever is on them. */
  DISK,
  /** The host's own root directory, which is never written. */
  ROOT_HOST,
  /** Directories of the host. */
  SHARE,
  /** A network card. */
  NETWORK,
  /** Modules loaded by the guest, such as one under test. */
  MODULES,
  /** Reports that tell a lockup, a hang, a warning from each other and name the place. */
  REPORTS,
  /** The kernel's own unit tests. */
  KUNIT
}
