// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A directory that the guest can mount by its tag. One of the host's is passed through; of any
 * other {@link java.nio.file.FileSystem}, such as that of a zip file or one in memory, the guest
 * gets what that has.
 *
 * @param tag by which the guest mounts it: 1 to 36 bytes in UTF-8, unlike those of other shares
 * @param directory what is shared
 * @param protocol that the guest's kernel has
 * @param readOnly the device refuses all changes, whatever the guest mounts it as
 * @param constant nobody changes it as long as the machine runs, so the guest may keep what it has
 *     read for long; with {@code readOnly} only
 */
public record ShareSpec(
    String tag, Path directory, ShareProtocol protocol, boolean readOnly, boolean constant) {
  /** The most bytes of a tag, virtio 1.2, section 5.11.4. */
  public static final int MAX_TAG_BYTES = 36;

  /**
   * Checks what does not need the host.
   *
   * @throws MachineException with {@link Problem#SHARE} or {@link Problem#INCOMPLETE}
   */
  public ShareSpec {
    SpecChecks.whole(tag, "the tag of a share");
    SpecChecks.whole(directory, "the directory of a share");
    SpecChecks.whole(protocol, "the protocol of a share");
    int bytes = tag.getBytes(StandardCharsets.UTF_8).length;
    if (bytes < 1 || bytes > MAX_TAG_BYTES || tag.indexOf('\0') >= 0) {
      throw new MachineException(
          Problem.SHARE,
          directory + " has the tag '" + tag + "', which is not 1 to " + MAX_TAG_BYTES + " bytes");
    }
    if (constant && !readOnly) {
      throw new MachineException(Problem.SHARE, "a constant share that can be written");
    }
  }

  /** A writable directory over virtio-fs; the guest asks again after a second. */
  public static ShareSpec of(String tag, Path directory) {
    return new ShareSpec(tag, directory, ShareProtocol.VIRTIO_FS, false, false);
  }

  /** The same, but the guest can't change anything. */
  public ShareSpec asReadOnly() {
    return new ShareSpec(tag, directory, protocol, true, constant);
  }

  /** The same, read-only and not changed by others either. */
  public ShareSpec asConstant() {
    return new ShareSpec(tag, directory, protocol, true, true);
  }

  /** The same over another protocol. */
  public ShareSpec over(ShareProtocol other) {
    return new ShareSpec(tag, directory, other, readOnly, constant);
  }
}
