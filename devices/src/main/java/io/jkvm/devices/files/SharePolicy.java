// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

import java.time.Duration;
import java.util.Objects;

/**
 * What a guest may do with a tree and how long it may believe what it was told, whatever the tree
 * itself could; kept by the device, since what a guest's mount says binds nobody.
 *
 * @param readOnly nothing is ever changed: {@code EROFS} before the tree is asked
 * @param validity how long the guest may use a name or attributes without asking again
 * @param keepsContent the guest may keep what it read of a file, a symbolic link or a directory
 *     when it opens it again: for trees that nobody changes meanwhile
 * @param setIds files may get set-user-ID and set-group-ID bits; else these are left out of each
 *     mode, but for a directory's set-group-ID
 * @param extendedAttributes there are extended attributes, if the tree has them; a guest that is
 *     told that there are none does not ask before each write
 * @param devices device nodes may be made; else {@code EPERM}
 * @param maxOpen how many files and directories the guest can have open at once: beyond that,
 *     {@code EMFILE}
 */
public record SharePolicy(
    boolean readOnly,
    Duration validity,
    boolean keepsContent,
    boolean setIds,
    boolean extendedAttributes,
    boolean devices,
    int maxOpen) {
  /** How many files can be open if nothing else is said. */
  public static final int DEFAULT_MAX_OPEN = 65_536;

  private static final Duration SHORT = Duration.ofSeconds(1);
  private static final Duration LONG = Duration.ofDays(1);

  /** A policy that makes sense. */
  public SharePolicy {
    Objects.requireNonNull(validity, "validity");
    if (validity.isNegative()) {
      throw new IllegalArgumentException("a validity of " + validity);
    }
    if (maxOpen < 1) {
      throw new IllegalArgumentException(maxOpen + " open files");
    }
  }

  /** For a tree that guest and host both change: the guest asks again after a second. */
  public static SharePolicy writable() {
    return new SharePolicy(false, SHORT, false, false, true, false, DEFAULT_MAX_OPEN);
  }

  /**
   * For a tree that the guest can't change and the host hardly does: the guest asks once a day.
   * There are no extended attributes, for which an overlay above would ask with each name that it
   * looks up, a fourth of all requests.
   */
  public static SharePolicy readOnlyCached() {
    return new SharePolicy(true, LONG, true, false, false, false, DEFAULT_MAX_OPEN);
  }

  /** For a tree that the guest can't change but the host does. */
  public static SharePolicy readOnlyFresh() {
    return new SharePolicy(true, SHORT, false, false, true, false, DEFAULT_MAX_OPEN);
  }
}
