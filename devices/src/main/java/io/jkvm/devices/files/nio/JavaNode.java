// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.devices.files.FileAttributes;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** A file or directory that the guest knows. Its names are guarded by the {@link NodeTable}. */
final class JavaNode {
  private final long number;
  private final long inode;

  /** What tells it from others, with a file system that has such a thing; else null. */
  private final Object key;

  private final JavaContent content = new JavaContent();

  // Guarded by the table.
  private final Set<Location> locations = new LinkedHashSet<>();
  private final Map<String, JavaNode> children = new HashMap<>();
  private long references;
  private final FileAttributes last = new FileAttributes();

  /**
   * One of its names.
   *
   * @param parent compared by identity, as nodes are
   */
  record Location(JavaNode parent, String name) {}

  JavaNode(long number, long inode, Object key) {
    this.number = number;
    this.inode = inode;
    this.key = key;
  }

  long number() {
    return number;
  }

  long inode() {
    return inode;
  }

  Object key() {
    return key;
  }

  /** The bytes of a regular file, while it is open. */
  JavaContent content() {
    return content;
  }

  Set<Location> locations() {
    return locations;
  }

  Map<String, JavaNode> children() {
    return children;
  }

  long references() {
    return references;
  }

  void references(long newReferences) {
    references = newReferences;
  }

  /** Its attributes when they were last asked for: all there is when it has no name any more. */
  FileAttributes last() {
    return last;
  }
}
