// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFile;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;

/** Changes attributes, by name where a file has one; a lock of the paths' is held. */
final class JavaChanges {
  private static final int TIMES =
      AttributeChange.ACCESS_TIME
          | AttributeChange.ACCESS_NOW
          | AttributeChange.MODIFICATION_TIME
          | AttributeChange.MODIFICATION_NOW;

  private final JavaPaths paths;
  private final NodeTable table;
  private final JavaAttributes attributes;

  JavaChanges(JavaPaths paths, NodeTable table, JavaAttributes attributes) {
    this.paths = paths;
    this.table = table;
    this.attributes = attributes;
  }

  /**
   * Changes all but the owner.
   *
   * @param now what the file is like before; scratch memory afterwards
   */
  int apply(JavaNode node, OpenFile file, AttributeChange change, FileAttributes now)
      throws IOException {
    boolean others = change.has(TIMES | AttributeChange.MODE);
    if (others && !FileMode.isRegular(now.mode) && !FileMode.isDirectory(now.mode)) {
      return -Errno.EOPNOTSUPP; // Java would open a FIFO, and wait
    }
    if (change.has(AttributeChange.SIZE)) {
      int result = resize(node, file, change.size, now.mode);
      if (result < 0) {
        return result;
      }
      now.size = change.size;
    }
    if (others) {
      changeOthers(node, change, now);
    }
    return 0;
  }

  private int resize(JavaNode node, OpenFile file, long size, int mode) throws IOException {
    if (!FileMode.isRegular(mode)) {
      return FileMode.isDirectory(mode) ? -Errno.EISDIR : -Errno.EINVAL;
    }
    if (file != null && !((JavaFile) file).writes()) {
      return -Errno.EINVAL;
    }
    node.content().open(paths.pathOrNull(node), false, true);
    try {
      node.content().truncate(size);
    } finally {
      node.content().close();
    }
    return 0;
  }

  private void changeOthers(JavaNode node, AttributeChange change, FileAttributes now)
      throws IOException {
    Path path = paths.pathOrNull(node);
    if (path == null) {
      remember(node, change, now);
      return;
    }
    if (change.has(AttributeChange.MODE)) {
      attributes.setMode(path, change.mode);
    }
    if (change.has(TIMES)) {
      JavaAttributes.setTimes(path, change);
    }
  }

  /** Without a name there is nothing by which Java could change it. */
  private void remember(JavaNode node, AttributeChange change, FileAttributes now) {
    if (change.has(AttributeChange.MODE)) {
      now.mode = now.mode & FileMode.TYPE | change.mode;
    }
    FileTime access = JavaAttributes.access(change);
    if (access != null) {
      now.accessSeconds = access.toInstant().getEpochSecond();
      now.accessNanos = access.toInstant().getNano();
    }
    FileTime modification = JavaAttributes.modification(change);
    if (modification != null) {
      now.modificationSeconds = modification.toInstant().getEpochSecond();
      now.modificationNanos = modification.toInstant().getNano();
    }
    table.remember(node, now);
  }
}
