// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.core.linux.files.NativeName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/** From nodes and a guest's names to paths. The lock is held while a path is used. */
final class JavaPaths {
  private final Path root;
  private final NodeTable table;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();

  JavaPaths(Path root, NodeTable table) {
    this.root = root;
    this.table = table;
  }

  /** Held for reading while paths are used, for writing while names change. */
  ReadWriteLock lock() {
    return lock;
  }

  Path root() {
    return root;
  }

  /** A node that the guest knows. */
  JavaNode node(long number) throws IOException {
    JavaNode node = table.get(number);
    if (node == null) {
      throw new StaleNodeException();
    }
    return node;
  }

  /** A number that is no node's. */
  static final class StaleNodeException extends FileSystemException {
    private static final long serialVersionUID = 1L;

    StaleNodeException() {
      super(null);
    }
  }

  /**
   * Where a node is, if it still has a name and all that is above it is a directory.
   *
   * @return null if it has none
   */
  Path pathOrNull(JavaNode node) throws IOException {
    Path path = table.path(node);
    if (path != null) {
      checkAbove(path);
    }
    return path;
  }

  /** Where a directory is. */
  Path directory(JavaNode node) throws IOException {
    Path path = pathOrNull(node);
    if (path == null) {
      throw new StaleNodeException();
    }
    checkDirectory(path);
    return path;
  }

  /** A symbolic link is none, so a path never leaves the tree by one. */
  private void checkAbove(Path path) throws IOException {
    for (Path at = path; !at.equals(root); ) {
      at = at.getParent();
      if (!at.equals(root)) {
        checkDirectory(at);
      }
    }
  }

  private static void checkDirectory(Path path) throws IOException {
    if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new NotDirectoryException(path.toString());
    }
  }

  /** The path of a name in a directory, whether there is something or not. */
  Path child(JavaNode parent, String name) throws IOException {
    Path directory = directory(parent);
    Path child = directory.resolve(name);
    boolean single =
        child.getNameCount() == directory.getNameCount() + 1
            && child.startsWith(directory)
            && child.getFileName().toString().equals(name);
    if (!single) {
      // This file system has other rules than Linux, such as another separator.
      throw new InvalidPathException(name, "not a single name here");
    }
    return child;
  }

  /** A guest's name as Java has it; null if it is not UTF-8. */
  static String decode(NativeName name) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(name.bytes())).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** The same, where it must be one. */
  static String mustDecode(NativeName name) {
    String text = decode(name);
    if (text == null) {
      throw new InvalidPathException("", "not UTF-8");
    }
    return text;
  }

  static byte[] encode(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
