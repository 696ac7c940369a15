// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.devices.files.DirectoryEntry;
import io.jkvm.devices.files.OpenDirectory;

/** What stands in the place of a mount that is not for guests. */
final class EmptyDirectory implements OpenDirectory {
  @Override
  public int seek(long cookie) {
    return 0;
  }

  @Override
  public int next(DirectoryEntry entry) {
    return 0;
  }

  @Override
  public int sync(boolean dataOnly) {
    return 0;
  }

  @Override
  public void close() {}
}
