// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.nio.file.Path;

/** Opens images for direct I/O, in blocks of the size that a test wants. */
public final class DirectImages {
  private DirectImages() {}

  /**
   * Opens an image, or has the test skipped where its file system has no direct I/O.
   *
   * @param leastBlockBytes the unit of direct I/O if that of the file is not larger
   */
  public static RawImage open(Path path, boolean readOnly, int leastBlockBytes)
      throws DiskException {
    DirectAlignment least = new DirectAlignment(leastBlockBytes, leastBlockBytes);
    try {
      return RawImageOpener.open(path.toString(), path, readOnly, false, least);
    } catch (DiskException e) {
      assumeFalse(e.kind() == DiskException.Kind.NO_DIRECT_IO, e.getMessage());
      throw e;
    }
  }
}
