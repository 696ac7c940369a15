// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.files.TreeStatistics;
import java.util.concurrent.atomic.AtomicInteger;

/** A tree with nothing in it, for tests to put something in; counts what would change it. */
class StubTree implements FileTree {
  final AtomicInteger changes = new AtomicInteger();
  final AtomicInteger ends = new AtomicInteger();
  volatile boolean clears;

  private int changed() {
    changes.incrementAndGet();
    return -Errno.EPERM;
  }

  @Override
  public String name() {
    return "stub";
  }

  @Override
  public int lookup(long parent, NativeName name, FileAttributes entry) {
    return -Errno.ENOENT;
  }

  @Override
  public void forget(long node, long count) {}

  @Override
  public void forgetAll() {
    ends.incrementAndGet();
  }

  @Override
  public int attributes(long node, FileAttributes attributes) {
    attributes.node = node;
    attributes.mode = node == ROOT ? FileMode.DIRECTORY | 0755 : FileMode.REGULAR | 0644;
    return 0;
  }

  @Override
  public int change(
      Caller caller, long node, OpenFile file, AttributeChange change, FileAttributes attributes) {
    return changed();
  }

  @Override
  public int readLink(long node, NativeMemory target) {
    return -Errno.EINVAL;
  }

  @Override
  public int makeDirectory(
      Caller caller, long parent, NativeName name, int mode, FileAttributes entry) {
    return changed();
  }

  @Override
  public int makeNode(
      Caller caller, long parent, NativeName name, int mode, int device, FileAttributes entry) {
    return changed();
  }

  @Override
  public int makeSymbolicLink(
      Caller caller, long parent, NativeName name, NativeName target, FileAttributes entry) {
    return changed();
  }

  @Override
  public int link(long node, long newParent, NativeName newName, FileAttributes entry) {
    return changed();
  }

  @Override
  public int unlink(long parent, NativeName name) {
    return changed();
  }

  @Override
  public int removeDirectory(long parent, NativeName name) {
    return changed();
  }

  @Override
  public int rename(long parent, NativeName name, long newParent, NativeName newName, int flags) {
    return changed();
  }

  @Override
  public int open(Caller caller, long node, int flags, OpenResult result) {
    return -Errno.ENXIO;
  }

  @Override
  public int create(
      Caller caller,
      long parent,
      NativeName name,
      int mode,
      int flags,
      FileAttributes entry,
      OpenResult result) {
    return changed();
  }

  @Override
  public int openDirectory(long node, OpenResult result) {
    return -Errno.ENOTDIR;
  }

  @Override
  public int statistics(long node, TreeStatistics statistics) {
    return 0;
  }

  @Override
  public int sync() {
    return 0;
  }

  @Override
  public boolean clearsPrivileges() {
    return clears;
  }

  @Override
  public boolean hasExtendedAttributes() {
    return true;
  }

  @Override
  public int extendedAttribute(long node, NativeName name, NativeMemory value, int size) {
    return -Errno.ENODATA;
  }

  @Override
  public int setExtendedAttribute(
      long node, NativeName name, NativeMemory value, int size, int flags) {
    return changed();
  }

  @Override
  public int extendedAttributeNames(long node, NativeMemory names, int size) {
    return 0;
  }

  @Override
  public int removeExtendedAttribute(long node, NativeName name) {
    return changed();
  }

  @Override
  public void close() {}
}
