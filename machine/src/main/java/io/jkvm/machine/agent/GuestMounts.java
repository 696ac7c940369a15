// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.util.List;
import java.util.Optional;

/**
 * What the agent mounts before a command runs.
 *
 * @param root what becomes the guest's root, below a file system in memory; empty for the one that
 *     it has
 * @param others mounted in the root, in this order
 */
public record GuestMounts(Optional<Mount> root, List<Mount> others) {
  /** Nothing. */
  public static final GuestMounts NONE = new GuestMounts(Optional.empty(), List.of());

  /** Takes a copy. */
  public GuestMounts {
    others = List.copyOf(others);
  }

  /**
   * A mount as mount(2) has it; no part has a NUL.
   *
   * @param device such as {@code /dev/vda}, or the tag of a share
   * @param types file systems to try, separated by commas; empty for all that the kernel knows
   * @param options as mount(8) has them, or empty
   * @param directory where, made if it is not there; for a root empty
   */
  public record Mount(String device, String types, String options, String directory) {
    /** A disk, whatever its file system is. */
    public static Mount disk(String device) {
      return new Mount(device, "", "", "");
    }
  }
}
