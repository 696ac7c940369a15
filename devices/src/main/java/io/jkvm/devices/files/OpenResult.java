// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

/** Where a tree puts what it has opened; whoever takes it has to close it. */
public final class OpenResult {
  private OpenFile file;
  private OpenDirectory directory;

  /** Of the tree: a file was opened. */
  public void set(OpenFile opened) {
    file = opened;
  }

  /** Of the tree: a directory was opened. */
  public void set(OpenDirectory opened) {
    directory = opened;
  }

  /** The file that was opened last; only once. */
  public OpenFile takeFile() {
    OpenFile taken = file;
    file = null;
    return taken;
  }

  /** The directory that was opened last; only once. */
  public OpenDirectory takeDirectory() {
    OpenDirectory taken = directory;
    directory = null;
    return taken;
  }
}
