// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenDirectory;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.SharePolicy;

/**
 * What all queues of a device have in common: the tree, its policy, and what the guest's mount
 * holds of it. A mount begins with INIT and ends with DESTROY, a reset, or the next INIT. For any
 * thread.
 */
final class FuseSession {
  private static final int MAX_LOGGED = 8;

  private final String name;
  private final FileTree tree;
  private final SharePolicy policy;
  private final HandleTable<OpenFile> files;
  private final HandleTable<OpenDirectory> directories;
  private final LogLimit log = new LogLimit(VirtioFs.class, MAX_LOGGED);
  private volatile boolean begun;

  FuseSession(String name, FileTree tree, SharePolicy policy) {
    this.name = name;
    this.tree = tree;
    this.policy = policy;
    files = new HandleTable<>(policy.maxOpen());
    directories = new HandleTable<>(policy.maxOpen());
  }

  FileTree tree() {
    return tree;
  }

  SharePolicy policy() {
    return policy;
  }

  HandleTable<OpenFile> files() {
    return files;
  }

  HandleTable<OpenDirectory> directories() {
    return directories;
  }

  /** Whether the guest may ask for anything but INIT. */
  boolean begun() {
    return begun;
  }

  /** A mount begins; one that was not ended is forgotten. */
  void begin() {
    end();
    begun = true;
  }

  /** The guest has nothing any more. */
  void end() {
    begun = false;
    files.releaseAll(e -> defect(FuseOpcode.RELEASE, e));
    directories.releaseAll(e -> defect(FuseOpcode.RELEASEDIR, e));
    tree.forgetAll();
  }

  /** A defect of a tree, or of this package: the guest gets EIO. */
  void defect(FuseOpcode opcode, RuntimeException e) {
    log.warn(name, opcode + ": " + e);
  }
}
